/* Options that several verbs have. */
#pragma once

#include "base/nearest.h"
#include "steps/step.h"
#include "steps/verb.h"

#define OPTIONS(...)                            \
	.options = (const struct step_option[]) \
	{                                       \
		__VA_ARGS__,                    \
		{                               \
			0                       \
		}                               \
	}

/* The option TEXT of the type OPTION_KIND, read into MEMBER of struct step; and the rest of its row. */
#define OPTION(text, kind, member) OPTION_WITH(text, kind, member, .required = false)
#define OPTION_WITH(text, kind, member, ...)                                                              \
	{                                                                                                 \
		.name = text, .type = OPTION_##kind, .offset = offsetof(struct step, member), __VA_ARGS__ \
	}
#define WORDS(...) .words = NAMES(__VA_ARGS__)

/* For verbs that make something. */
#define MAKE_OPTIONS OPTION("mode", MODE, mode), OPTION("owner", OWNER, owner)

/* For verbs that put files where some may exist. */
#define IF_EXISTS_OPTION OPTION_WITH("if_exists", WORD, if_exists, WORDS("replace", "keep", "append_missing"))

/* Of what puts files in place. */
#define SYNC_OPTION OPTION_WITH("sync", WORD, sync, WORDS("true", "false"))

/*
 * For verbs that change what exists. The words of `hardlinks` may not come from variables: they widen what a step may
 * change.
 */
#define CHANGE_OPTIONS                                                                                                \
	OPTION("mode", CHANGE, change), OPTION("file_mode", CHANGE, file_mode), OPTION("dir_mode", CHANGE, dir_mode), \
		OPTION("recursive", BOOL, recursive), OPTION("contents_only", BOOL, contents_only),                   \
		OPTION("cross_mounts", BOOL, cross_mounts), OPTION("exclude", TEXTS, exclude),                        \
		OPTION_WITH("hardlinks", FIXED_WORD, hardlinks, WORDS("skip", "refuse", "follow")),                   \
		OPTION("if_exists", BOOL, only_if_exists)

/* For verbs that run programs. */
#define RUN_OPTIONS                                                                                              \
	OPTION("user", ELSEWHERE, user), OPTION("cap_add", ELSEWHERE, user), OPTION("seccomp", ELSEWHERE, user), \
		OPTION("environment", PAIRS, environment), OPTION("stdin", TEXT, input),                         \
		OPTION("ok_exit_codes", CODES, ok_exit_codes), OPTION("working_dir", PATH, working_dir),         \
		OPTION("timeout", SECONDS, timeout)
