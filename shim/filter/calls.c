#include "filter/calls.h"

#include <limits.h>
#include <string.h>

#include "filter/filter.h"

int call_find(const char *name)
{
	size_t low = 0, high = call_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const int order = strcmp(name, call_name(middle));
		if (order == 0)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

const char *call_name(size_t call)
{
	return call_text + call_names[call];
}

int call_number(const struct call_abi *abi, size_t call)
{
	const uint16_t slot = abi->slots[call];

	if (slot == CALL_NONE)
		return -1;
	return slot < CALL_NUMBERS ? slot : (int)(CALL_ARM_PRIVATE + slot - CALL_NUMBERS);
}

const struct call_sub *call_multiplexed(const struct call_abi *abi, size_t call)
{
	const struct call_sub *sub = abi->subs;

	while (sub->call < call)
		sub++;
	return sub->call == call ? sub : NULL;
}

uint32_t filter_native(void)
{
	return call_abis[0].arch;
}

const char *filter_call_name(uint32_t arch, uint32_t number)
{
	size_t abi = 0, call = 0;

	while (abi < call_nabis && call_abis[abi].arch != arch)
		abi++;
	if (abi == call_nabis || number > INT_MAX)
		return NULL;
	while (call < call_count && call_number(&call_abis[abi], call) != (int)number)
		call++;
	return call < call_count ? call_name(call) : NULL;
}
