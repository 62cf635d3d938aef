/*
 * Any bytes as a seccomp profile. What must hold: it is refused with a problem, or its BPF, run for calls around every
 * constant, answers what the JSON says (test/filter/meaning.h); and it is the same BPF every time. Which capabilities
 * are kept follows from the bytes, as a mutation changes them.
 */
#include <stdio.h>
#include <string.h>

#include "../filter/meaning.h"
#include "filter/filter.h"
#include "fuzz.h"

#define MOST 200 /* combinations of arguments of one call */
#define MAX_TEXT 4096
#define MAX_TOKENS 2048

struct text {
	char bytes[MAX_TEXT + 1];
	size_t length;
};

struct token {
	const char *start;
	size_t length;
};

struct check {
	struct filter filter;
	struct meaning meaning;
};

static bool check_call(const struct seccomp_data *data, void *context)
{
	const struct check *check = context;
	const uint32_t is = bpf_run(check->filter.code, check->filter.count, data);
	const uint32_t should = meaning_answer(&check->meaning, data);

	if (is != should)
		fuzz_fail("arch %#x nr %d (%#llx, %#llx, %#llx, %#llx, %#llx, %#llx): %#x, should be %#x", data->arch,
			  data->nr, (unsigned long long)data->args[0], (unsigned long long)data->args[1],
			  (unsigned long long)data->args[2], (unsigned long long)data->args[3],
			  (unsigned long long)data->args[4], (unsigned long long)data->args[5], is, should);
	return true;
}

/* None for most, otherwise any. */
static uint64_t kept(const uint8_t *bytes, size_t length)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return sum % 3 ? 0 : sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct problems problems;
	static struct check check;
	struct filter again = {0};
	const uint64_t keep = kept(bytes, length);
	const struct filter_target target = {.keep = keep, .kernel_major = 5, .kernel_minor = 10};
	const struct meaning_target same = {.keep = keep, .kernel_major = 5, .kernel_minor = 10};

	const struct node *profile = yaml_read(&problems, "profile", (const char *)bytes, length);
	const bool accepted = profile && filter_compile(&check.filter, NULL, &problems, profile, &target);
	FUZZ_HOLDS(accepted == (problems.count == 0));
	if (accepted) {
		meaning_read(&check.meaning, &problems.mem, profile, &same);
		FUZZ_HOLDS(meaning_each_call(&check.meaning, MOST, check_call, &check));
		FUZZ_HOLDS(filter_compile(&again, NULL, &problems, profile, &target));
		FUZZ_HOLDS(again.count == check.filter.count && again.flags == check.filter.flags);
		FUZZ_HOLDS(memcmp(again.code, check.filter.code, again.count * sizeof(*again.code)) == 0);
	}
	mem_release(&problems.mem);
	memset(&problems, 0, sizeof(problems));
	return 0;
}

static uint64_t state;

static size_t below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % limit);
}

/* Words of one kind can stand in each other's place. A kind ends with a NULL, the last with two. */
static const char *const words[] = {
	"\"SCMP_ACT_ALLOW\"",
	"\"SCMP_ACT_ERRNO\"",
	"\"SCMP_ACT_KILL\"",
	"\"SCMP_ACT_KILL_PROCESS\"",
	"\"SCMP_ACT_TRAP\"",
	"\"SCMP_ACT_LOG\"",
	"\"SCMP_ACT_TRACE\"",
	NULL,
	"\"SCMP_CMP_EQ\"",
	"\"SCMP_CMP_NE\"",
	"\"SCMP_CMP_LT\"",
	"\"SCMP_CMP_LE\"",
	"\"SCMP_CMP_GT\"",
	"\"SCMP_CMP_GE\"",
	"\"SCMP_CMP_MASKED_EQ\"",
	NULL,
	"\"SCMP_ARCH_X86\"",
	"\"SCMP_ARCH_X32\"",
	"\"SCMP_ARCH_X86_64\"",
	"\"SCMP_ARCH_AARCH64\"",
	NULL,
	"\"CAP_SYS_ADMIN\"",
	"\"CAP_CHOWN\"",
	"\"CAP_BPF\"",
	"\"sys_nice\"",
	NULL,
	"\"amd64\"",
	"\"s390x\"",
	"\"arm64\"",
	NULL,
	"\"4.8\"",
	"\"99.1\"",
	"\"5.10\"",
	NULL,
	"\"socket\"",
	"\"ioctl\"",
	"\"execve\"",
	"\"exit_group\"",
	"\"clone\"",
	"\"getppid\"",
	"\"shmget\"",
	"\"socketcall\"",
	"\"ipc\"",
	"\"prctl\"",
	"\"openat2\"",
	"\"umount\"",
	"\"chown32\"",
	"\"nosuchcall\"",
	"\"read\"",
	"\"write\"",
	"\"mount\"",
	"\"clone3\"",
	"\"ptrace\"",
	"\"connect\"",
	"\"semop\"",
	NULL,
	"0",
	"1",
	"2",
	"3",
	"4",
	"5",
	"38",
	"4094",
	"4095",
	"21522",
	"4294967295",
	"4294967296",
	"4294967301",
	"8589934597",
	"9223372036854775808",
	"18446744073709551615",
	"18446744069414584320",
	NULL,
	"\"names\"",
	"\"name\"",
	NULL,
	"\"includes\"",
	"\"excludes\"",
	NULL,
	"\"errnoRet\"",
	"\"comment\"",
	"\"value\"",
	"\"valueTwo\"",
	"\"args\"",
	"\"index\"",
	NULL,
	NULL,
};

/* A word of the kind of TOKEN, or NULL. */
static const char *similar(const struct token *token)
{
	for (const char *const *kind = words; *kind; kind++) {
		size_t count = 0;
		bool among = false;
		for (; kind[count]; count++)
			among = among || (strlen(kind[count]) == token->length &&
					  memcmp(kind[count], token->start, token->length) == 0);
		if (among)
			return kind[below(count)];
		kind += count;
	}
	return NULL;
}

static size_t tokenise(const struct text *text, struct token *tokens)
{
	size_t count = 0;

	for (const char *at = text->bytes; *at && count < MAX_TOKENS; at += tokens[count++].length) {
		size_t length = 1;
		if (*at == '"')
			length += strcspn(at + 1, "\"") + (strchr(at + 1, '"') != NULL);
		else if (!strchr("{}[],: \t\n", *at))
			length = strcspn(at, "{}[],: \t\n\"");
		tokens[count] = (struct token){at, length};
	}
	return count;
}

/* The end of the value that begins at AT: behind its bracket, or behind the token. */
static size_t value_end(const struct token *tokens, size_t count, size_t at)
{
	size_t depth = 0;

	for (; at < count; at++) {
		depth += strchr("{[", *tokens[at].start) != NULL;
		depth -= depth && strchr("}]", *tokens[at].start);
		if (!depth)
			return at + 1;
	}
	return count;
}

static void append(struct text *text, const char *bytes, size_t length)
{
	if (text->length + length > MAX_TEXT)
		return;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

/* Replaces a word by a similar one, or now and then: leaves a value out, repeats it, changes a byte. */
static void mutate(struct text *text)
{
	static struct token tokens[MAX_TOKENS];
	static struct text copy;
	const size_t how = below(16), count = tokenise(text, tokens);
	const char *word = NULL;

	if (text->length == 0)
		return;
	if (how == 0) {
		text->bytes[below(text->length)] = (char)(1 + below(127));
		return;
	}
	size_t at = below(count);
	for (size_t tries = 0; tries < count && !(word = similar(&tokens[at])); tries++)
		at = (at + 1) % count;
	if (how < 4)
		at = below(count);
	const size_t end = value_end(tokens, count, at);
	copy.length = 0;
	for (size_t i = 0; i < count; i++) {
		if (how >= 4 && i == at && word)
			append(&copy, word, strlen(word));
		else if (how != 1 || i < at || i >= end)
			append(&copy, tokens[i].start, tokens[i].length);
		if ((how != 2 && how != 3) || i + 1 != end)
			continue;
		append(&copy, ",", 1);
		for (size_t k = at; k < end; k++)
			append(&copy, tokens[k].start, tokens[k].length);
	}
	*text = copy;
}

/* Half of the mutations know what a profile is made of; the others are libFuzzer's. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t most, unsigned int seed)
{
	static struct text text;

	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (below(2) == 0 || length > MAX_TEXT || memchr(bytes, '\0', length))
		return LLVMFuzzerMutate(bytes, length, most);
	memcpy(text.bytes, bytes, length);
	text.bytes[length] = '\0';
	text.length = length;
	for (size_t changes = 1 + below(3); changes; changes--)
		mutate(&text);
	if (text.length == 0 || text.length > most)
		return LLVMFuzzerMutate(bytes, length, most);
	memcpy(bytes, text.bytes, text.length);
	return text.length;
}
