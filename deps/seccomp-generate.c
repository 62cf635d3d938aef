/*
 * Compiles the built-in profile while capshim is built: reads the JSON file that is its argument and writes the C
 * source of what shim/filter/default.h declares. Links with the filter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>

#include "base/diag.h"
#include "filter/default.h"
#include "filter/parts.h"

#define MAX_BYTES YAML_LIMIT
#define MAX_MENTIONS 6 /* capabilities that decide one call */

static char *read_file(struct mem *mem, const char *name, size_t *length)
{
	FILE *file = fopen(name, "r");
	char *bytes = mem_alloc(mem, MAX_BYTES);

	if (!file)
		diag_die(DIAG_USER, "cannot open \"%s\"", name);
	*length = fread(bytes, 1, MAX_BYTES - 1, file);
	fclose(file);
	return bytes;
}

static void write_code(const char *name, const struct filter_code *code)
{
	printf("const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < code->count; i++)
		printf("\t{0x%x, %u, %u, 0x%xu},\n", code->code[i].code, code->code[i].jt, code->code[i].jf,
		       code->code[i].k);
	printf("};\n");
}

/* The bytes of a text while it is packed. What is FIXED stays what it is. */
struct text {
	size_t length, original;
	uint16_t bytes[MAX_BYTES];
};

#define FIXED 0x100U

static void put(struct text *text, unsigned int byte)
{
	text->bytes[text->length++] = (uint16_t)byte;
}

/* JSON without the blanks that mean nothing. Lines stay lines, so that --explain can name them. */
static void strip(struct text *text, const char *json)
{
	while (*json) {
		size_t length = 1; /* of a string, with its quotes; otherwise of one byte */
		if (*json == '"') {
			while (json[length] != '"')
				length += json[length] == '\\' ? 2 : 1;
			length++;
		}
		char name[64] = "";
		if (length > 2 && length - 2 < sizeof(name))
			memcpy(name, json + 1, length - 2);
		const int call = call_find(name);
		text->original += call >= 0 || (*json != '\t' && *json != ' ') ? length : 0;
		if (call >= 0) {
			put(text, FIXED | (1U + (unsigned int)call / FILTER_REFERENCES));
			put(text, FIXED | (1U + (unsigned int)call % FILTER_REFERENCES));
		} else if (*json != '\t' && *json != ' ') {
			for (size_t i = 0; i < length; i++)
				put(text, (unsigned char)json[i]);
		}
		json += length;
	}
}

/* Puts CODE in the place of the two bytes that stand most often beside each other. */
static bool shorten(struct text *text, unsigned int code, uint16_t pair[2])
{
	static unsigned int counts[FIXED][FIXED];
	unsigned int most = 0;
	size_t length = 0;

	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i + 1 < text->length; i++) {
		const uint16_t *at = &text->bytes[i];
		if (at[0] < FIXED && at[1] < FIXED && ++counts[at[0]][at[1]] > most) {
			most = counts[at[0]][at[1]];
			pair[0] = at[0];
			pair[1] = at[1];
		}
	}
	if (most < 4)
		return false;
	for (size_t i = 0; i < text->length; i++) {
		const bool found = i + 1 < text->length && memcmp(&text->bytes[i], pair, 2 * sizeof(*pair)) == 0;
		text->bytes[length++] = found ? (uint16_t)code : text->bytes[i];
		i += found;
	}
	text->length = length;
	return true;
}

static void write_text(const char *json)
{
	static struct text text;
	uint16_t pair[2];

	strip(&text, json);
	printf("const unsigned char filter_default_pairs[][2] = {\n");
	for (unsigned int code = 0x80; code < FIXED && shorten(&text, code, pair); code++)
		printf("\t{%u, %u},\n", pair[0], pair[1]);
	printf("};\nconst size_t filter_default_length = %zu;\nconst unsigned char filter_default_text[] = {",
	       text.original);
	for (size_t i = 0; i < text.length; i++)
		printf("%s%u,", i % 24 ? " " : "\n\t", text.bytes[i] % FIXED);
	printf(" 0,\n};\n");
}

/* The capabilities that decide CALL, as rules ask for them. */
static uint64_t mentioned(const struct filter_profile *profile, size_t call)
{
	uint64_t caps = 0;

	for (const struct filter_rule *rule = profile->rules; rule; rule = rule->next)
		if (filter_rule_lists(rule, call))
			caps |= rule->caps | rule->not_caps;
	return caps;
}

/* One variant for every set of the capabilities in MASK but the empty one: the code for all calls that just these decide. */
static void add_variants(struct filter_code *code, struct mem *mem, const struct filter_profile *profile, uint64_t mask)
{
	if (__builtin_popcountll(mask) > MAX_MENTIONS)
		diag_die(DIAG_USER, "too many capabilities decide one call");
	for (uint64_t kept = mask; kept; kept = (kept - 1) & mask) {
		struct filter_use **uses = filter_uses(mem, profile, kept, false);
		const size_t start = code->count;
		for (size_t call = 0; call < call_count; call++)
			if (call_number(call_abis, call) >= 0 && mentioned(profile, call) == mask)
				filter_code_call(code, (uint32_t)call_number(call_abis, call), uses[call],
						 profile->action);
		printf("\t{UINT64_C(0x%llx), UINT64_C(0x%llx), %zu, %zu},\n", (unsigned long long)mask,
		       (unsigned long long)kept, start, code->count - start);
	}
}

static void write_variants(struct mem *mem, const struct filter_profile *profile)
{
	static struct filter_code code;

	printf("const struct filter_variant filter_default_variants[] = {\n");
	for (size_t call = 0; call < call_count; call++) {
		const uint64_t mask = call_number(call_abis, call) >= 0 ? mentioned(profile, call) : 0;
		bool first = mask != 0;
		for (size_t i = 0; i < call && first; i++)
			first = call_number(call_abis, i) < 0 || mentioned(profile, i) != mask;
		if (first)
			add_variants(&code, mem, profile, mask);
	}
	if (code.count > BPF_MAXINSNS)
		diag_die(DIAG_USER, "too many capabilities decide too many calls");
	printf("};\n");
	write_code("filter_default_calls", &code);
}

int main(int argc, char **argv)
{
	struct problems problems = {0};
	struct mem *mem = &problems.mem;
	const struct filter_target target = {.keep = 0, .kernel_major = 4, .kernel_minor = 8};
	struct filter_profile profile;
	struct filter filter;
	static struct filter_code ranges;
	size_t length;

	if (argc != 2)
		diag_die(DIAG_USER, "usage: generate FILE.json");
	const char *json = read_file(mem, argv[1], &length);
	const struct node *node = yaml_read(&problems, argv[1], json, length);
	if (!node || !filter_compile(&filter, &profile, &problems, node, &target)) {
		problems_say(&problems);
		return DIAG_USER;
	}
	/* These could not be decided when the filter is put together. */
	if (profile.kernel.reached || profile.kernel.missed || profile.abis[CALL_ABI_32BIT] ||
	    profile.abis[CALL_ABI_X32] || profile.flags)
		diag_die(DIAG_USER, "the built-in profile cannot have minKernel, other architectures or flags");

	filter_code_abi(&ranges, mem, &profile, 0, 0);
	printf("/* Made from %s. */\n#include \"filter/default.h\"\n\n", argv[1]);
	write_code("filter_default_ranges", &ranges);
	write_variants(mem, &profile);
	write_text(json);
	printf("const size_t filter_default_nranges = sizeof(filter_default_ranges) / sizeof(*filter_default_ranges);\n"
	       "const size_t filter_default_nvariants = sizeof(filter_default_variants) / "
	       "sizeof(*filter_default_variants);\n");
	mem_release(mem);
	return 0;
}
