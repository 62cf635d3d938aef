#include "profile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/json.h"
#include "families.h"
#include "filter/filter.h"
#include "observe.h"

#define NAMES_WIDTH 96 /* columns */

struct maker {
	struct profile *profile;
	struct mem *mem;
	uint64_t keep;
	struct list seen;         /* the names of the calls */
	struct list allowed, all; /* names that the profile allows, and the built-in one */
	char *text;
	size_t length, room;
};

[[gnu::format(printf, 2, 3)]] static void profile_put(struct maker *maker, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const int length = vsnprintf(maker->text + maker->length, maker->room - maker->length, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= maker->room - maker->length)
		diag_die(DIAG_SYSTEM, "the profile is larger than the built-in one");
	maker->length += (size_t)length;
}

static bool may_stay(const struct maker *maker, const char *name)
{
	for (size_t i = 0; i < maker->seen.count; i++)
		if (families_same(maker->seen.items[i], name))
			return true;
	return families_always(name);
}

static bool is_allow(const struct node *rule)
{
	return strcmp(yaml_get(rule, "action")->text, "SCMP_ACT_ALLOW") == 0;
}

/* Are all capabilities that RULE wants among those that are kept? */
static bool has_caps(const struct maker *maker, const struct node *rule)
{
	const struct node *includes = yaml_get(rule, "includes");
	const struct node *caps = includes ? yaml_get(includes, "caps") : NULL;

	for (const struct node *cap = NULL; caps && (cap = yaml_item(caps, cap));) {
		const int number = capability_number(cap->text);
		if (number < 0 || !(maker->keep & CAPABILITY_BIT(number)))
			return false;
	}
	return true;
}

static void put_value(struct maker *maker, const struct node *node, const char *margin)
{
	const char *inner = mem_format(maker->mem, "%s\t", margin);

	if (node->kind == NODE_SCALAR) {
		profile_put(maker, "%s", node->quoted ? json_quoted(maker->mem, node->text) : node->text);
		return;
	}
	profile_put(maker, "%s", node->kind == NODE_MAP ? "{" : "[");
	for (const struct node *value = node->first; value; value = value->next) {
		profile_put(maker, "%s\n%s", value == node->first ? "" : ",", inner);
		if (value->key)
			profile_put(maker, "%s: ", json_quoted(maker->mem, value->key->text));
		put_value(maker, value, inner);
	}
	profile_put(maker, "\n%s%c", margin, node->kind == NODE_MAP ? '}' : ']');
}

static void put_names(struct maker *maker, const struct list *names)
{
	size_t column = 0;

	profile_put(maker, "[");
	for (size_t i = 0; i < names->count; i++) {
		const size_t width = strlen(names->items[i]) + strlen("\"\", ");
		const bool fits = i > 0 && column + width <= NAMES_WIDTH;
		column = fits ? column + width : width;
		profile_put(maker, "%s\"%s\"%s", fits ? " " : "\n\t\t\t\t", names->items[i],
			    i + 1 < names->count ? "," : "");
	}
	profile_put(maker, "\n\t\t\t]");
}

/* Those of RULE's names that the profile has: of a rule that denies all. */
static struct list names_of(struct maker *maker, const struct node *rule)
{
	struct list names = {0};
	const bool counts = is_allow(rule) && has_caps(maker, rule);

	for (const struct node *name = NULL; (name = yaml_item(yaml_get(rule, "names"), name));) {
		const bool wanted = !is_allow(rule) || may_stay(maker, name->text);
		if (wanted)
			list_add(maker->mem, &names, name->text);
		if (counts && !list_has(&maker->all, name->text))
			list_add(maker->mem, &maker->all, name->text);
		if (counts && wanted && !list_has(&maker->allowed, name->text))
			list_add(maker->mem, &maker->allowed, name->text);
	}
	return names;
}

static void put_rules(struct maker *maker, const struct node *rules)
{
	const char *before = "";

	profile_put(maker, "[");
	for (const struct node *rule = NULL; (rule = yaml_item(rules, rule));) {
		const struct list names = names_of(maker, rule);
		if (names.count == 0)
			continue;
		profile_put(maker, "%s\n\t\t{", before);
		for (const struct node *member = rule->first; member; member = member->next) {
			profile_put(maker, "%s\n\t\t\t\"%s\": ", member == rule->first ? "" : ",", member->key->text);
			if (strcmp(member->key->text, "names") == 0)
				put_names(maker, &names);
			else
				put_value(maker, member, "\t\t\t");
		}
		profile_put(maker, "\n\t\t}");
		before = ",";
	}
	profile_put(maker, "\n\t]");
}

static void read_seen(struct maker *maker, const uint64_t *calls)
{
	for (int number = 0; number < OBSERVE_CALLS; number++) {
		const bool was_seen = calls[number / 64] >> (number % 64) & 1;
		const char *name = was_seen ? filter_call_name(filter_native(), (uint32_t)number) : NULL;
		maker->profile->seen += was_seen;
		if (name)
			list_add(maker->mem, &maker->seen, name);
	}
}

void profile_make(struct profile *profile, struct mem *mem, const uint64_t *calls, uint64_t keep)
{
	struct problems problems = {0};
	struct maker maker = {.profile = profile, .mem = mem, .keep = keep, .room = YAML_LIMIT};
	const struct node *root = filter_default_profile(&problems);

	if (!root)
		diag_die(DIAG_SYSTEM, "cannot read the built-in profile");
	*profile = (struct profile){0};
	maker.text = mem_alloc(mem, maker.room);
	read_seen(&maker, calls);
	profile_put(&maker, "{");
	for (const struct node *member = root->first; member; member = member->next) {
		profile_put(&maker, "%s\n\t\"%s\": ", member == root->first ? "" : ",", member->key->text);
		if (strcmp(member->key->text, "syscalls") == 0)
			put_rules(&maker, member);
		else if (strcmp(member->key->text, "comment") == 0)
			profile_put(
				&maker,
				"\"Made by capshim-learn %s: the built-in profile of capshim less the system calls that a "
				"workload was not seen to make.\"",
				CAPSHIM_VERSION);
		else
			put_value(&maker, member, "\t");
	}
	profile_put(&maker, "\n}\n");
	profile->text = maker.text;
	profile->names = maker.allowed.count;
	profile->of = maker.all.count;
	for (size_t i = 0; i < maker.seen.count; i++)
		if (!list_has(&maker.all, maker.seen.items[i]))
			list_add(mem, &profile->denied, maker.seen.items[i]);
	mem_release(&problems.mem);
}
