/*
 * fuzz_profile RUNS FILE.json ...: mutates seccomp profiles RUNS times. None may crash the reader or leak, and what is
 * accepted must mean what it says: its BPF is run against the JSON for calls around every constant. Built with the
 * sanitizers. Always the same sequence; a failure leaves the profile on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../filter/meaning.h"
#include "filter.h"

#define MOST 200 /* combinations of arguments of one call */
#define MAX_TEXT 4096
#define MAX_TOKENS 2048
#define POOL 256

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
	const struct text *text;
};

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

static size_t below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % limit);
}

static _Noreturn void fail(const struct text *text, const char *why)
{
	fprintf(stderr, "%s:\n%s\n", why, text->bytes);
	abort();
}

static bool check_call(const struct seccomp_data *data, void *context)
{
	const struct check *check = context;
	const uint32_t is = bpf_run(check->filter.code, check->filter.count, data);
	const uint32_t should = meaning_answer(&check->meaning, data);

	if (is == should)
		return true;
	fprintf(stderr, "arch %#x nr %d (%#llx, %#llx, %#llx, %#llx, %#llx, %#llx): %#x, should be %#x\n", data->arch,
		data->nr, (unsigned long long)data->args[0], (unsigned long long)data->args[1],
		(unsigned long long)data->args[2], (unsigned long long)data->args[3], (unsigned long long)data->args[4],
		(unsigned long long)data->args[5], is, should);
	fail(check->text, "it means something else");
}

/* Reads a profile; true if it was accepted. */
static bool try_profile(const struct text *text)
{
	struct problems problems = {0};
	struct check check = {.text = text};
	const uint64_t keep = below(3) ? below(SIZE_MAX) : 0;
	const struct filter_target target = {.keep = keep, .kernel_major = 5, .kernel_minor = 10};
	const struct meaning_target same = {.keep = keep, .kernel_major = 5, .kernel_minor = 10};

	const struct node *profile = yaml_read(&problems, "profile", text->bytes, text->length);
	const bool accepted = profile && filter_compile(&check.filter, &problems, profile, &target);
	if (!accepted && problems.count == 0)
		fail(text, "refused without a word");
	if (accepted) {
		meaning_read(&check.meaning, &problems.mem, profile, &same);
		if (!meaning_each_call(&check.meaning, MOST, check_call, &check))
			fail(text, "no call");
	}
	mem_release(&problems.mem);
	return accepted;
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

static void read_seed(struct text *text, const char *name)
{
	FILE *file = fopen(name, "r");

	if (!file) {
		fprintf(stderr, "fuzz_profile: cannot open %s\n", name);
		exit(2);
	}
	text->length = fread(text->bytes, 1, MAX_TEXT, file);
	text->bytes[text->length] = '\0';
	fclose(file);
	if (!try_profile(text))
		fail(text, "a seed that is not accepted");
}

int main(int argc, char **argv)
{
	static struct text pool[POOL], text;
	size_t accepted = 0, runs = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	const size_t seeds = argc > 2 ? (size_t)argc - 2 : 0;

	for (size_t i = 0; i < seeds && i < POOL; i++)
		read_seed(&pool[i], argv[2 + i]);
	if (seeds == 0)
		return 2;
	for (size_t i = seeds; i < POOL; i++)
		pool[i] = pool[i % seeds];
	for (size_t run = 0; run < runs; run++) {
		text = pool[below(POOL)];
		for (size_t changes = 1 + below(3); changes; changes--)
			mutate(&text);
		if (!try_profile(&text))
			continue;
		accepted++;
		/* The seeds stay; of the rest what is accepted goes on. */
		if (below(4) == 0 && text.length > 200)
			pool[seeds + below(POOL - seeds)] = text;
	}
	printf("%zu profiles, %zu of them accepted, all of these mean what they say\n", runs, accepted);
	return 0;
}
