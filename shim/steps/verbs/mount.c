#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>

#include "base/diag.h"
#include "base/fd.h"
#include "steps/common/change.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "walk/walk.h"

/* Flags of a mount, not of its file system: the same bits in mount(2) and as ST_… in statvfs(3), ... */
#define PER_MOUNT (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME)

/* ... except this one, since Linux 5.10: include/linux/statfs.h. */
#define NOSYMFOLLOW 256U
#define SHOWN_NOSYMFOLLOW 0x2000U

#define PROPAGATION (MS_PRIVATE | MS_SHARED | MS_SLAVE | MS_UNBINDABLE)
#define NO_TYPE "none" /* for calls where mount(2) ignores the type: a bind mount, or a change of flags */

/* Options that are flags of mount(2), and those that take one back; any other option is data for the file system. */
static const struct {
	const char *set, *clear;
	unsigned int flags;
} option_table[] = {
	{"ro", "rw", MS_RDONLY},
	{"nosuid", "suid", MS_NOSUID},
	{"nodev", "dev", MS_NODEV},
	{"noexec", "exec", MS_NOEXEC},
	{"sync", "async", MS_SYNCHRONOUS},
	{"dirsync", NULL, MS_DIRSYNC},
	{"noatime", "atime", MS_NOATIME},
	{"nodiratime", "diratime", MS_NODIRATIME},
	{"relatime", "norelatime", MS_RELATIME},
	{"strictatime", NULL, MS_STRICTATIME},
	{"nosymfollow", "symfollow", NOSYMFOLLOW},
	{"lazytime", NULL, MS_LAZYTIME},
	{"bind", NULL, MS_BIND},
	{"rbind", NULL, MS_BIND | MS_REC},
	{"private", NULL, MS_PRIVATE},
	{"rprivate", NULL, MS_PRIVATE | MS_REC},
	{"shared", NULL, MS_SHARED},
	{"rshared", NULL, MS_SHARED | MS_REC},
	{"slave", NULL, MS_SLAVE},
	{"rslave", NULL, MS_SLAVE | MS_REC},
	{"unbindable", NULL, MS_UNBINDABLE},
	{"defaults", NULL, 0},
	{"nofail", "_netdev", 0}, /* these are for fstab(5) */
};

/* The magic numbers that statfs(2) returns for mounted file systems. */
static const struct {
	const char *type;
	unsigned long magic;
} magic_table[] = {
	{"tmpfs", TMPFS_MAGIC},         {"proc", PROC_SUPER_MAGIC},       {"sysfs", SYSFS_MAGIC},
	{"devpts", DEVPTS_SUPER_MAGIC}, {"mqueue", 0x19800202UL}, /* MQUEUE_MAGIC of ipc/mqueue.c */
	{"cgroup", CGROUP_SUPER_MAGIC}, {"cgroup2", CGROUP2_SUPER_MAGIC}, {"tracefs", TRACEFS_MAGIC},
	{"bpf", BPF_FS_MAGIC},          {"hugetlbfs", HUGETLBFS_MAGIC},   {"overlay", OVERLAYFS_SUPER_MAGIC},
	{"nfs", NFS_SUPER_MAGIC},       {"ramfs", RAMFS_MAGIC},
};

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

#define LAYERS 16

struct wish {
	unsigned long flags, propagation;
	const char *data, *type, *from; /* as mount(2) takes them */
	int source;                     /* for a bind mount, or the device of another, O_PATH; otherwise -1 */
	bool upper;                     /* an overlay that can be written, */
	int layers[LAYERS];             /* its directories that lie on foreign ground, O_PATH */
	size_t count;
};

/* What is to be mounted, or a layer of it. */
struct mount_source {
	int fd;       /* O_PATH; or -1: it is a name, not a path */
	bool foreign; /* it lies on foreign ground, */
	bool others;  /* or what lies in it does */
	uint32_t uid;
};

static void read_mount_option(struct wish *wish, struct mem *mem, const char *option)
{
	for (size_t i = 0; i < ROWS(option_table); i++) {
		const unsigned int flags = option_table[i].flags;
		const char *clear = option_table[i].clear;
		const bool set = strcmp(option_table[i].set, option) == 0;
		if (!set && (!clear || strcmp(clear, option) != 0))
			continue;
		if (flags & PROPAGATION)
			wish->propagation = flags;
		else
			wish->flags = set ? wish->flags | flags : wish->flags & ~flags;
		return;
	}
	if (strncmp(option, "x-", 2) == 0) /* for other readers of fstab(5), mount(8) */
		return;
	wish->data = wish->data ? mem_format(mem, "%s,%s", wish->data, option) : option;
}

static void read_options(struct wish *wish, struct mem *mem, const struct step *step)
{
	*wish = (struct wish){.source = -1, .type = step->type, .from = step->source ? step->source : step->type};
	if (step->type && strcmp(step->type, "bind") == 0)
		wish->flags = MS_BIND;
	for (size_t i = 0; i < step->mount_options.count; i++)
		for (const char *at = step->mount_options.items[i]; *at; at += *at == ',') {
			size_t length = strcspn(at, ",");
			read_mount_option(wish, mem, mem_copy(mem, at, length));
			at += length;
		}
}

/* mount(2) takes paths: a directory is named by entering it, which does not need /proc; a file by its descriptor. */
static int mount_on(int fd, const char *source, const char *type, unsigned long flags, const void *data)
{
	struct stat stat;
	char path[32];

	if (fd_fstat(fd, &stat) != 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISDIR(stat.st_mode))
		return fchdir(fd) != 0 ? -1 : mount(source, ".", type, flags, data);
	return mount(source, path, type, flags, data);
}

/* The magic number of file systems of this type; 0 if it is not known. */
static unsigned long magic_of(const char *type)
{
	for (size_t i = 0; i < ROWS(magic_table); i++)
		if (strcmp(magic_table[i].type, type) == 0)
			return magic_table[i].magic;
	return 0;
}

/* Is FD the root of such a mount already? */
static bool is_mounted(const struct wish *wish, int fd)
{
	struct fd_stat at, source;
	struct stat device;
	struct statfs fs;

	if (fd_statx(fd, "", &at) != 0 || !at.mount_begins)
		return false;
	if (wish->flags & MS_BIND)
		return fd_statx(wish->source, "", &source) == 0 && at.dev == source.dev && at.ino == source.ino;
	if (wish->source >= 0 && fd_fstat(wish->source, &device) == 0 && S_ISBLK(device.st_mode))
		return at.dev == device.st_rdev;
	const unsigned long magic = magic_of(wish->type);
	return magic != 0 && fstatfs(fd, &fs) == 0 && ((unsigned long)fs.f_type & 0xffffffffUL) == magic;
}

/* Can FD, which the walk has found, be the root of the mount that was just made? */
static bool may_be_made(const struct wish *wish, int fd)
{
	return wish->flags & MS_BIND || magic_of(wish->type) ? is_mounted(wish, fd) : fd_begins_mount(fd, "");
}

/*
 * A bind mount ignores flags in the first call of mount(2), and an existing one may have others. Adds flags, never
 * removes them.
 */
static int protect(int fd, const struct wish *wish, bool made)
{
	struct statvfs now;

	if (fstatvfs(fd, &now) != 0)
		return -1;
	unsigned long wanted = wish->flags & (PER_MOUNT | NOSYMFOLLOW);
	unsigned long set = (now.f_flag & PER_MOUNT) | (now.f_flag & SHOWN_NOSYMFOLLOW ? NOSYMFOLLOW : 0);
	/* Its layers are written with the rights of this process: without them the kernel makes it read-only, and says nothing. */
	if (made && wish->upper && now.f_flag & ST_RDONLY && !(wanted & MS_RDONLY))
		return fd_fail(EACCES);
	if ((wanted & ~set) == 0)
		return 0;
	if (made && !(wish->flags & MS_BIND)) /* a new file system has all from mount(2), so this is another one */
		return fd_fail(ESTALE);
	return mount_on(fd, NULL, NO_TYPE, MS_REMOUNT | MS_BIND | set | wanted, NULL);
}

static bool make_mount(struct setup *setup, const struct wish *wish, const char *path, int fd)
{
	char bound[32];

	snprintf(bound, sizeof(bound), "/proc/self/fd/%d", wish->source);
	bool bind = wish->flags & MS_BIND;
	if (mount_on(fd, bind ? bound : wish->from, bind ? NO_TYPE : wish->type,
		     bind ? wish->flags & (MS_BIND | MS_REC) : wish->flags, wish->data) == 0)
		return true;
	if (errno == ENOENT && bind)
		return setup_refused(setup, "mount on", path, "a bind mount needs /proc, and there is none");
	if (errno == ENODEV)
		return setup_refused(setup, "mount on", path, "the kernel knows no file system type \"%s\"",
				     wish->type);
	return setup_failed(setup, "mount on", path, errno,
			    errno == EACCES && wish->upper ? CAP_DAC_OVERRIDE : CAP_SYS_ADMIN);
}

/*
 * The mount FD gets its flags, or is unmounted again. Unless it was just MADE, and a rename in another mount namespace has
 * moved its mount point along, and that of another mount, which FD is then, to its name: that one is left alone.
 */
static void finish(struct setup *setup, const struct wish *wish, const char *path, int fd, bool made)
{
	const bool other = made && !may_be_made(wish, fd);
	if (!other && protect(fd, wish, made) == 0 &&
	    (!wish->propagation || mount_on(fd, NULL, NO_TYPE, wish->propagation, NULL) == 0)) {
		*(made ? &setup->changed : &setup->same) += 1;
	} else if (other || errno == ESTALE) {
		setup_refused(setup, "mount on", path,
			      "what is mounted there is not what mount(2) has just mounted: somebody moves it");
	} else {
		int err = errno;
		if (made && fchdir(fd) == 0)
			(void)umount2(".", MNT_DETACH);
		const bool layers = wish->upper && err == EACCES;
		setup_failed(setup, layers ? "write to the layers of" : "give its options to the mount on", path, err,
			     layers ? CAP_DAC_OVERRIDE : CAP_SYS_ADMIN);
	}
}

static void mount_one(struct setup *setup, const struct wish *wish, const char *path)
{
	int fd = setup_open(setup, "mount on", path);

	if (fd < 0)
		return;
	const bool made = !is_mounted(wish, fd);
	if (made) {
		const bool done = make_mount(setup, wish, path, fd);
		close(fd);
		fd = done ? setup_open(setup, "mount on", path) : -1; /* the walk now leads onto the mount */
	}
	if (fd >= 0)
		finish(setup, wish, path, fd, made);
	fd_close(fd);
}

/*
 * Holds in SOURCE what is to be mounted: mount(2) would follow every link to it. A bind mount shows it under another path,
 * which is judged anew: on foreign ground another user could have moved a file owned by root, or another mount, to this name.
 * What is no path of a DEVICE is a name for the file system, as of a tmpfs, but not where somebody could put a link.
 */
static bool open_source(struct setup *setup, const char *path, bool device, struct mount_source *source)
{
	struct walk_found found;
	struct ground in;

	*source = (struct mount_source){.fd = -1};
	if (walk_find(path, WALK_FOLLOW, &found) != 0)
		return (device && errno == ENOENT && !found.ground.foreign) ||
		       setup_unreachable(setup, "mount", path, errno, &found.where);
	identity_return();
	const bool moved = change_has_moved(setup, "mount", path, &found.ground, found.parent, found.fd);
	in = found.ground;
	ground_enter(&in, found.parent, found.fd, &found.stat, false);
	close(found.parent);
	*source = (struct mount_source){found.fd, found.ground.foreign, in.foreign, found.stat.st_uid};
	return !moved && (ground_may_give(&found.ground, &found.stat, true) ||
			  setup_refused(setup, "mount", path, CHANGE_NOT_GIVEN, found.stat.st_uid));
}

/*
 * The same for the directories that overlay is told, which the kernel would look up by following every link. The merged
 * directory has the owner of the upper layer, or else of the first lower one. If that is root, steps would take it for
 * ground that root alone can change, with all that other users have moved into another layer.
 */
static bool hold_layers(struct setup *setup, struct wish *wish)
{
	const char *data = wish->data, *option = NULL, *loose = NULL;
	struct mount_source source;
	uint32_t owner = IDENTITY_NO_ID;

	wish->data = "";
	for (size_t length; *data; data += length + (data[length] != '\0')) {
		length = strcspn(data, option ? ",:" : ",=");
		const char *part = mem_copy(&setup->mem, data, length);
		if (option && *part == '/') {
			const bool good = open_source(setup, part, false, &source);
			const bool upper = strncmp(option, "upperdir", 8) == 0;
			wish->upper |= upper;
			/* Its owner, or who can move it, could have put a directory of others there. */
			if (good && (source.foreign || source.others) && strncmp(option, "workdir", 7) == 0) {
				close(source.fd);
				return setup_refused(
					setup, "mount", part,
					"the kernel empties it: it and the directory that it lies in must be root's "
					"alone (a tmpfs: mode=0755)");
			}
			if (!good || (source.foreign && wish->count == LAYERS)) {
				fd_close(source.fd);
				return good && setup_refused(setup, "mount", part, "more than %d directories of others",
							     LAYERS);
			}
			if (upper || (owner == IDENTITY_NO_ID && strncmp(option, "lowerdir", 8) == 0))
				owner = source.uid;
			if (source.others)
				loose = part;
			if (source.foreign) {
				wish->layers[wish->count++] = source.fd;
				part = mem_format(&setup->mem, "/proc/self/fd/%d", source.fd);
			} else {
				close(source.fd);
			}
		}
		wish->data = mem_format(&setup->mem, "%s%s%.1s", wish->data, part, data + length);
		if (data[length] != ':')
			option = data[length] == '=' ? data : NULL;
	}
	return !loose || owner != 0 ||
	       setup_refused(setup, "mount", loose,
			     "users other than root can write this layer, but root would own the merged directory: "
			     "chown upperdir, or without one the first lowerdir, to such a user");
}

static void step_mount(struct setup *setup)
{
	const struct step *step = setup->step;
	struct wish wish;
	struct mount_source source = {.fd = -1};
	bool ready = true;
	int back = fd_openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY);

	if (back < 0) {
		setup_failed(setup, "hold", "the working directory", errno, CAP_DAC_OVERRIDE);
		return;
	}
	read_options(&wish, &setup->mem, step);
	const bool bind = wish.flags & MS_BIND;
	if (bind || wish.from[0] == '/')
		ready = open_source(setup, wish.from, !bind, &source);
	wish.source = source.fd;
	if (source.foreign)
		wish.from = mem_format(&setup->mem, "/proc/self/fd/%d", wish.source);
	if (!bind && wish.data && strcmp(wish.type, "overlay") == 0)
		ready = ready && hold_layers(setup, &wish);
	for (size_t i = 0; ready && i < step->items.count; i++)
		mount_one(setup, &wish, step->items.items[i]);
	fd_close(wish.source);
	while (wish.count > 0)
		close(wish.layers[--wish.count]);
	if (fchdir(back) != 0)
		diag_cannot("return to", "the working directory", errno, CAP_DAC_OVERRIDE);
	close(back);
}

/* Overlay looks up a layer that does not begin with "/" from the target, by following every link. */
static bool has_relative_layer(const char *data)
{
	static const char *const keys[] = {"lowerdir", "lowerdir+", "datadir+", "upperdir", "workdir"};

	for (; *data; data += strcspn(data, ","), data += *data == ',') {
		const size_t length = strcspn(data, "=,");
		bool layer = false;
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
			layer |= strlen(keys[i]) == length && strncmp(keys[i], data, length) == 0;
		for (const char *at = data + length; layer && (*at == '=' || *at == ':');
		     at += 1 + strcspn(at + 1, ":,"))
			if (at[1] != '/' && at[1] != ':')
				return true;
	}
	return false;
}

static void mount_check(const struct step *step, struct problems *problems, const struct node *node)
{
	struct wish wish;

	read_options(&wish, &problems->mem, step);
	bool bind = wish.flags & MS_BIND;
	if (!step->type && !bind)
		yaml_problem(problems, node, "\"mount\" needs \"type:\", such as tmpfs or bind");
	if (bind && step->type && strcmp(step->type, "bind") != 0)
		yaml_problem(problems, yaml_get(node, "type"), "\"%s\" and the option bind exclude each other",
			     step->type);
	if (bind && (!step->source || step->source[0] != '/'))
		yaml_problem(problems, node, "a bind mount needs \"source:\", an absolute path");
	if (!bind && wish.data && has_relative_layer(wish.data))
		yaml_problem(problems, node, "the layers of an overlay must be absolute paths: begin each with /");
	if (bind && wish.data)
		yaml_problem(problems, node, "a bind mount does not take the option \"%s\"", wish.data);
}

/* What users do in an overlay the kernel does with the rights of the process that mounted it. */
static uint64_t mount_needs(const struct step *step)
{
	uint64_t needs = CAPABILITY_BIT(CAP_SYS_ADMIN);

	for (size_t i = 0; i < step->mount_options.count; i++)
		if (strstr(step->mount_options.items[i], "upperdir="))
			needs |= CAPABILITY_BIT(CAP_DAC_OVERRIDE) | CAPABILITY_BIT(CAP_FOWNER);
	return needs;
}

const struct verb verb_mount = {
	.name = "mount",
	OPTIONS(OPTION("type", FIXED, type), OPTION("source", FIXED, source),
		OPTION("options", FIXED_TEXTS, mount_options), OPTION("cross_mounts", BOOL, cross_mounts)),
	.act = step_mount,
	.check = mount_check,
	.needs = mount_needs,
	.may_need = MAY_ACT,
};
