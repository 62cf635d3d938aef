/*
 * Compiles the built-in profile while capshim is built: reads the JSON file that is its argument and writes the C
 * source of what shim/filter/default.h declares. Links with the filter and with libseccomp.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>

#include "base/diag.h"
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

/*
 * The text for --explain: lines stay lines, so that its numbers are those of the file. Names need no quotes where YAML reads
 * them, and nothing but comments needs blanks: together 2 KB.
 */
static void write_json(const char *json)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	printf("const char filter_default_json[] =\n\t\"");
	while (*json) {
		size_t length = 1; /* of a string, with its quotes; otherwise of one byte */
		if (*json == '"') {
			while (json[length] != '"')
				length += json[length] == '\\' ? 2 : 1;
			length++;
		}
		const bool bare = length > 2 && json[length] != ':' && strspn(json + 1, plain) == length - 2;
		for (size_t i = bare; i < length - bare; i++) {
			if (json[i] == '\n')
				printf("\\n\"\n\t\"");
			else if (json[i] == '"' || json[i] == '\\')
				printf("\\%c", json[i]);
			else if (length > 1 || (json[i] != '\t' && json[i] != ' '))
				putchar(json[i]);
		}
		json += length;
	}
	printf("\";\n");
}

/* The calls that rules on capabilities name, and which capabilities decide each. */
static uint64_t mentioned(const struct filter_profile *profile, const char *call)
{
	uint64_t caps = 0;

	for (const struct filter_rule *rule = profile->rules; rule; rule = rule->next)
		for (const struct node *n = filter_rule_name(rule, NULL); n; n = filter_rule_name(rule, n))
			if (strcmp(n->text, call) == 0)
				caps |= rule->caps | rule->not_caps;
	return caps;
}

static const struct filter_call *find(const struct filter_call *calls, int number)
{
	while (calls && calls->number != number)
		calls = calls->next;
	return calls;
}

/* The code that decides CALL where KEPT, of the capabilities in MASK, are kept. */
static void add_variant(struct filter_code *code, struct mem *mem, const struct filter_profile *profile,
			const struct filter_call *call, uint64_t mask, uint64_t kept)
{
	const struct filter_call *now = find(filter_calls(mem, profile, kept, false), call->number);
	const size_t start = code->count;

	filter_code_call(code, (uint32_t)call->number, now ? now->uses : NULL, profile->action);
	printf("\t{UINT64_C(0x%llx), UINT64_C(0x%llx), %zu, %zu}, /* %s */\n", (unsigned long long)mask,
	       (unsigned long long)kept, start, code->count - start, call->name);
}

/* One variant for every set of kept capabilities that counts for a call, but for the empty one. */
static void add_variants(struct filter_code *code, struct mem *mem, const struct filter_profile *profile,
			 const struct filter_call *call)
{
	const uint64_t mask = mentioned(profile, call->name);
	uint64_t caps[MAX_MENTIONS];
	unsigned int count = 0;

	for (unsigned int cap = 0; cap < 64; cap++)
		if (mask & UINT64_C(1) << cap) {
			if (count == MAX_MENTIONS)
				diag_die(DIAG_USER, "%s: too many capabilities decide it", call->name);
			caps[count++] = UINT64_C(1) << cap;
		}
	for (unsigned int set = 1; set < 1U << count; set++) {
		uint64_t kept = 0;
		for (unsigned int i = 0; i < count; i++)
			kept |= set & 1U << i ? caps[i] : 0;
		add_variant(code, mem, profile, call, mask, kept);
	}
}

static void write_variants(struct mem *mem, const struct filter_profile *profile)
{
	struct filter_code code;

	filter_code_start(&code, mem);
	printf("const struct filter_variant filter_default_variants[] = {\n");
	/* Every call that any rule names: with all capabilities those of includes, with none those of excludes. */
	const struct filter_call *sets[] = {filter_calls(mem, profile, UINT64_MAX, false),
					     filter_calls(mem, profile, 0, false)};
	for (size_t i = 0; i < 2; i++)
		for (const struct filter_call *call = sets[i]; call; call = call->next)
			if (call->number >= 0 && mentioned(profile, call->name) &&
			    (i == 0 || !find(sets[0], call->number)))
				add_variants(&code, mem, profile, call);
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
	struct filter_section sections[FILTER_ARCHS];
	size_t length;

	if (argc != 2)
		diag_die(DIAG_USER, "usage: generate FILE.json");
	const char *json = read_file(mem, argv[1], &length);
	const struct node *node = yaml_read(&problems, argv[1], json, length);
	if (!node || !filter_compile_profile(&filter, &profile, &problems, node, &target)) {
		problems_say(&problems);
		return DIAG_USER;
	}
	/* These could not be decided when the filter is put together. */
	if (profile.kernel.reached || profile.kernel.missed || profile.narchs != 1 || profile.flags)
		diag_die(DIAG_USER, "the built-in profile cannot have minKernel, other architectures or flags");

	filter_sections(sections, mem, &profile, 0);
	struct filter_code canary, ranges = sections[0].code;
	filter_code_start(&canary, mem);
	filter_code_canary(&canary);
	ranges.code += canary.count;
	ranges.count -= canary.count;
	printf("/* Made from %s. */\n#include \"filter/default.h\"\n\n", argv[1]);
	printf("const uint32_t filter_default_arch = 0x%xu;\n", sections[0].arch);
	write_code("filter_default_ranges", &ranges);
	write_variants(mem, &profile);
	write_json(json);
	printf("const size_t filter_default_nranges = sizeof(filter_default_ranges) / sizeof(*filter_default_ranges);\n"
	       "const size_t filter_default_nvariants = sizeof(filter_default_variants) / "
	       "sizeof(*filter_default_variants);\n");
	mem_release(mem);
	return 0;
}
