#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/text.h"
#include "steps/common/change.h"
#include "steps/common/file.h"
#include "steps/common/options.h"
#include "steps/common/owner.h"
#include "steps/common/say.h"
#include "walk/held.h"
#include "walk/make.h"

/* A line of the content. */
struct line {
	const char *text; /* NULL: none */
	size_t length;
	bool there;
};

/* Where it is in the TABLE of LAST + 1 lines, a power of two, or has its place. */
static struct line *find_line(struct line *table, size_t last, const char *text, size_t length)
{
	size_t at = text_hash(TEXT_HASH, text, length);

	for (at &= last; table[at].text; at = (at + 1) & last)
		if (table[at].length == length && memcmp(table[at].text, text, length) == 0)
			break;
	return &table[at];
}

/* The length of the line at TEXT, before END. */
static size_t length_of(const char *text, const char *end)
{
	const char *newline = memchr(text, '\n', (size_t)(end - text));

	return (size_t)((newline ? newline : end) - text);
}

/*
 * TEXT and those lines of CONTENT that it does not have yet, each on a line of its own. Each line of both is looked up once: there
 * may be millions.
 */
static const char *append_missing(struct mem *mem, const char *text, size_t *length, const char *content)
{
	const char *const end = content + strlen(content);
	size_t lines = 2, used = *length, line;
	char *all = mem_array(mem, used + (size_t)(end - content) + 3, 1);

	for (const char *at = content; at < end; at += length_of(at, end) + 1)
		lines += 2;
	while (lines & (lines - 1))
		lines += lines & -lines;
	struct line *table = mem_array(mem, lines, sizeof(*table));

	for (const char *at = content; at < end; at += line + 1) {
		line = length_of(at, end);
		*find_line(table, lines - 1, at, line) = (struct line){at, line, false};
	}
	memcpy(all, text, used);
	for (const char *at = all; at < all + *length; at += line + 1) {
		line = length_of(at, all + *length);
		find_line(table, lines - 1, at, line)->there = true;
	}
	for (const char *at = content; at < end; at += line + 1) {
		line = length_of(at, end);
		struct line *const found = find_line(table, lines - 1, at, line);
		if (found->there)
			continue;
		if (used && all[used - 1] != '\n')
			all[used++] = '\n';
		memcpy(all + used, at, line);
		used += line;
		all[used++] = '\n';
		found->there = true;
	}
	*length = used;
	return all;
}

/* As the identity, even in a directory that is entered as another user: the file may have been moved there. */
static char *read_present(struct setup *setup, const struct walk_found *found, size_t *length)
{
	struct ground ground = found->ground;

	ground.entered = false;
	int in = ground_act(&ground) != 0 ? -1 : file_open(found->fd, found->parent, found->name, &ground);
	char *text = file_read(&setup->mem, in, length);
	int err = errno;
	if (ground_act(&found->ground) != 0)
		return NULL;
	errno = err;
	return text;
}

/*
 * What exists, NOW, keeps its mode and owner, except for what is written in the config. True: it has them. With MORE it gets
 * content.
 *
 * As with chown(2), changing the owner clears the set-id bits: the user who chose them chose the content, and another user
 * would run it.
 */
static bool keep_attributes(const struct step *step, const struct walk_found *found, const struct stat *now, bool more,
			    struct file_want *want)
{
	const struct fd_stat had = {.uid = now->st_uid, .gid = now->st_gid};
	struct owner owner = step->owner;

	/* Where nothing is written whoever may read what is there may read what is added. */
	owner_complete_kept(&owner, now, found, more && (step->owner_written || step->mode_written));
	const bool gives = owner_differs(&owner, &had);
	want->uid = owner.uid == ACCOUNTS_NO_ID ? now->st_uid : owner.uid;
	want->gid = owner.gid == ACCOUNTS_NO_ID ? now->st_gid : owner.gid;
	want->from_present = true;
	if (!step->mode_written)
		want->mode = now->st_mode & (gives || more ? 01777 : 07777);
	/* Its list does not go with it, and the group's bits were no more than the list's mask: acl(5). */
	if (!step->mode_written && (gives || more) && want->listed)
		want->mode &= ~(mode_t)S_IRWXG;
	return !gives && want->mode == (now->st_mode & 07777);
}

/*
 * Would what is there, NOW, be opened to others, or given away, although somebody could have moved it there to that end: where it is
 * root's, or a workload that is root, or one in a third user's directory, has read it? Or would it become set-id, with content
 * that is not the config's?
 */
static bool becomes_more(const struct walk_found *found, const struct stat *now, const struct file_want *want)
{
	const struct ground *at = &found->ground;
	const mode_t more = want->mode & ~now->st_mode;
	const bool given = want->uid != now->st_uid || want->gid != now->st_gid;

	const bool opened = !(now->st_mode & S_IROTH) && (given || more & (S_IRWXG | S_IRWXO));

	return (at->foreign && opened && (at->uid == 0 || at->third || now->st_uid == 0)) ||
	       (want->mode & 06000 && ((given && (at->foreign || now->st_uid != 0)) || (at->foreign && more & 06000)));
}

/* Determines the content by if_exists. False: there is nothing to do. */
static bool decide(struct setup *setup, const char *path, const struct walk_found *found, struct file_want *want)
{
	const struct step *step = setup->step;
	struct stat now = found->stat;

	want->bytes = step->content;
	want->length = strlen(step->content);
	if (found->fd < 0 || step->if_exists == IF_EXISTS_REPLACE)
		return true;
	/* Without /proc it is seen only on what is open. */
	const int in = walk_reopen(found->fd, found->parent, found->name, O_RDONLY);
	const int listed = walk_has_acl(in < 0 ? found->fd : in);
	want->listed = listed;
	fd_close(in);
	if (in >= 0 && listed < 0)
		return setup_failed(setup, "read", path, errno, DIAG_NO_CAP);
	bool right = keep_attributes(step, found, &now, false, want);
	const bool keep = step->if_exists == IF_EXISTS_KEEP;
	/* It becomes a file of its own: other names of it may lie elsewhere, or its old owner may have it open. */
	const bool own =
		keep && !right && S_ISREG(now.st_mode) && (now.st_nlink > 1 || (want->uid == 0 && now.st_uid != 0));
	const char *text = own || !keep ? read_present(setup, found, &want->length) : NULL;
	int err = errno;
	/* Once more, for who wrote what was read may have done so since then, and write(2) clears set-id bits. */
	if (fd_fstat(found->fd, &now) != 0)
		return setup_failed(setup, "read", path, errno, DIAG_NO_CAP);
	right = keep_attributes(step, found, &now, false, want);
	if ((text || want->mode & 06000) && becomes_more(found, &now, want))
		return setup_refused(setup, "change", path, CHANGE_NOT_GIVEN, now.st_uid);
	if (own && !text && now.st_nlink < 2)
		return setup_failed(setup, "read", path, err, CAP_DAC_OVERRIDE);
	if (keep && !text) {
		(void)file_enforce(setup, path, found, want);
		return false;
	}
	if (keep) {
		want->bytes = text;
		return true;
	}
	struct stat opened;
	const bool compared = !text && err == EACCES;
	if (compared)
		text = file_read(&setup->mem, file_open_to_compare(found, &opened), &want->length);
	const size_t present = want->length;
	want->bytes = text ? append_missing(&setup->mem, text, &want->length, step->content) : NULL;
	/* What the identity may not read is written nowhere. */
	const bool more = want->length != present;
	if (!text || (compared && (more || !right)))
		return setup_failed(setup, "read", path, err, CAP_DAC_OVERRIDE);
	if (more)
		(void)keep_attributes(step, found, &now, true, want);
	setup->same += compared;
	return !compared;
}

/* Does only the kernel make files on a file system of this type? What is written there is a command: sysfs(5), cgroups(7). */
static bool is_of_kernel(unsigned long type)
{
	return type == PROC_SUPER_MAGIC || type == SYSFS_MAGIC || type == CGROUP_SUPER_MAGIC ||
	       type == CGROUP2_SUPER_MAGIC;
}

/* By one call, because each is a command. Mode and owner are left as they are. */
static bool tell_kernel(struct setup *setup, const char *path, const struct walk_found *found)
{
	const char *content = setup->step->content;
	struct stat opened;
	int fd = walk_reopen_found(found, O_WRONLY, &opened);
	ssize_t wrote = fd < 0 ? -1 : write(fd, content, strlen(content));

	fd_close(fd);
	if (wrote < 0)
		return setup_failed(setup, "write", path, errno, errno == EPERM ? CAP_SYS_ADMIN : CAP_DAC_OVERRIDE);
	if ((size_t)wrote != strlen(content))
		return setup_refused(setup, "write", path, "the kernel took %zd bytes of it", wrote);
	setup->changed++;
	return true;
}

static bool write_one(struct setup *setup, const char *path, struct walk_found *found)
{
	struct file_want want = {.source = -1};
	struct statfs fs = {0};

	if (found->fd < 0 || fstatfs(found->fd, &fs) != 0 || !is_of_kernel((unsigned long)fs.f_type)) {
		file_attributes(setup->step, &want);
		return decide(setup, path, found, &want) &&
		       file_put(setup, "write", path, found->parent, &found->ground, found->name, &want);
	}
	if (fs.f_type == PROC_SUPER_MAGIC)
		return setup_refused(setup, "write", path, "it is on procfs: write sysctl for what is in /proc/sys");
	if (setup->step->if_exists != IF_EXISTS_KEEP)
		return tell_kernel(setup, path, found);
	setup->same++;
	return true;
}

static bool step_write(struct setup *setup, const char *path)
{
	return setup_at(setup, "write", path, WALK_FOLLOW | WALK_MAKE | WALK_NEW, write_one);
}

const struct verb verb_write = {
	.name = "write",
	OPTIONS(OPTION_WITH("content", TEXT, content, .required = true), MAKE_OPTIONS, SYNC_OPTION, IF_EXISTS_OPTION),
	.mode = 0644,
	.act_on = step_write,
	.needs = owner_needs,
	.may_need = MAY_ACT,
};
