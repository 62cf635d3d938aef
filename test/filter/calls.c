#include <seccomp.h>
#include <string.h>

#include <linux/audit.h>

#include "meaning.h"

#define MAX_VALUES 160

/* Values of one argument that conditions can tell apart. */
struct values {
	uint64_t values[MAX_VALUES];
	size_t count;
};

static void add(struct values *values, uint64_t value)
{
	for (size_t i = 0; i < values->count; i++)
		if (values->values[i] == value)
			return;
	if (values->count < MAX_VALUES)
		values->values[values->count++] = value;
}

/* The neighbours of VALUE, in each half and across. */
static void add_around(struct values *values, uint64_t value)
{
	const uint64_t low = value & UINT32_MAX, high = value >> 32;

	for (int i = -1; i <= 1; i++) {
		add(values, value + (uint64_t)i);
		add(values, value + ((uint64_t)i << 32));
		add(values, (high + (uint64_t)i) << 32 | ((low + (uint64_t)i) & UINT32_MAX));
		add(values, (high + (uint64_t)i) << 32 | ((low - (uint64_t)i) & UINT32_MAX));
	}
	add(values, low);
	add(values, high << 32);
	add(values, low << 32 | high);
	add(values, low | UINT64_C(0xffffffff00000000));
	add(values, high << 32 | UINT32_MAX);
}

static size_t collect(const struct meaning *meaning, size_t arch, uint32_t slot, struct values *values)
{
	size_t used = 0;

	for (size_t i = 0; i < 6; i++) {
		values[i].count = 0;
		add(&values[i], 0);
	}
	for (const struct meaning_rule *rule = meaning->rules; rule; rule = rule->next) {
		if (!rule->decides[arch][slot])
			continue;
		for (size_t i = 0; i < rule->nconditions; i++) {
			const struct meaning_condition *c = &rule->conditions[i];
			struct values *to = &values[c->index];
			add(to, UINT64_MAX);
			if (strcmp(c->op, "MASKED_EQ") == 0) {
				add_around(to, c->two);
				add(to, c->two | ~c->value);
				add(to, c->two ^ (c->value & -c->value));
				add(to, c->two ^ c->value);
			} else {
				add_around(to, c->value);
			}
			used++;
		}
	}
	return used;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* All combinations, or MOST of them at random. */
static size_t combine(struct seccomp_data *data, const struct values *values, size_t most,
		      bool (*each)(const struct seccomp_data *data, void *context), void *context)
{
	size_t all = 1, done = 0;
	uint64_t random = UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < 6; i++)
		all = all > most ? all : all * values[i].count;
	for (size_t n = 0; n < (all > most ? most : all); n++) {
		size_t rest = n;
		for (size_t i = 0; i < 6; i++) {
			size_t pick = all > most ? (size_t)(next_random(&random) % values[i].count)
						 : (size_t)(rest % values[i].count);
			rest /= values[i].count;
			data->args[i] = values[i].values[pick];
			/* The kernel hands the 32-bit registers of such a process to the filter as they are. */
			if (data->arch == AUDIT_ARCH_I386 || data->arch == AUDIT_ARCH_ARM)
				data->args[i] &= UINT32_MAX;
		}
		if (!each(data, context))
			return 0;
		done++;
	}
	return done;
}

size_t meaning_each_call(const struct meaning *meaning, size_t most,
			 bool (*each)(const struct seccomp_data *data, void *context), void *context)
{
	static const uint32_t foreign[] = {AUDIT_ARCH_I386,    AUDIT_ARCH_X86_64, AUDIT_ARCH_ARM,
					   AUDIT_ARCH_AARCH64, AUDIT_ARCH_S390X,  0};
	static struct values values[6];
	size_t done = 0;

	for (size_t a = 0; a < meaning->narchs; a++)
		for (uint32_t slot = 0; slot < MEANING_SLOTS; slot++) {
			const uint32_t number = meaning_number(slot);
			const bool x32 = meaning->archs[a] == SCMP_ARCH_X32;
			struct seccomp_data data = {.nr = (int)(number | (x32 ? 0x40000000 : 0)),
						    .arch = x32 ? AUDIT_ARCH_X86_64 : meaning->archs[a]};
			/* socketcall(2) and ipc(2): libseccomp has rules of its own, 600-filter.bats has tests. */
			if (meaning->archs[a] == SCMP_ARCH_X86 && (number == 102 || number == 117))
				continue;
			collect(meaning, a, slot, values);
			size_t now = combine(&data, values, most, each, context);
			if (!now)
				return 0;
			done += now;
		}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		bool named = false;
		for (size_t a = 0; a < meaning->narchs; a++)
			named = named || meaning->archs[a] == foreign[i];
		struct seccomp_data data = {.nr = 1, .arch = foreign[i]};
		if (!named && !each(&data, context))
			return 0;
	}
	return done;
}
