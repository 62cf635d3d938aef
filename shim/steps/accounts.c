#include <string.h>

#include "steps/common/file.h"
#include "steps/common/say.h"
#include "steps/steps.h"
#include "walk/trust.h"

/*
 * The text of passwd or group, opened by the trust rule: their lines decide who is who. An image FROM scratch may
 * have none.
 */
static const char *read_account_text(struct setup *setup, const char *path, const struct walk_found *found)
{
	const char *why = NULL;
	size_t length;

	if (found->fd < 0)
		return "";
	const char *text = trust_read(&setup->mem, path, ACCOUNTS_BYTES, &length, &why);
	if (text && strlen(text) == length)
		return text;
	setup_refused(setup, "edit", path, "%s", text ? "there is a NUL byte in it" : why);
	return NULL;
}

static void edit(struct setup *setup, const char *path, bool group)
{
	const struct plan *plan = setup->plan;
	struct walk_found found;

	if (!setup_find(setup, "edit", path, WALK_FOLLOW | WALK_MAKE | WALK_NEW, &found))
		return;
	const char *text = read_account_text(setup, path, &found);
	bool changed = false;
	for (size_t i = 0; text && i < plan->nwishes; i++) {
		bool differs;
		text = accounts_edit(&setup->mem, text, &plan->wishes[i], group, &differs);
		changed |= differs;
	}
	struct file_want want = {
		.bytes = text,
		.length = text ? strlen(text) : 0,
		.mode = found.fd < 0 ? 0644 : found.stat.st_mode & 07777,
		.uid = ACCOUNTS_NO_ID,
		.gid = ACCOUNTS_NO_ID,
	};
	if (text && changed)
		(void)file_put(setup, "edit", path, found.parent, &found.ground, found.name, &want);
	else if (text)
		setup->same++;
	walk_release(&found);
}

void setup_accounts(struct setup *setup)
{
	edit(setup, "/etc/passwd", false);
	edit(setup, "/etc/group", true);
}
