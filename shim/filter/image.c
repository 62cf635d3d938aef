#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/fd.h"
#include "filter/parts.h"
#include "walk/trust.h"

/*
 * A FILE.bpf is this header, then the instructions. All fields have a fixed size, so none can run into the next.
 * Numbers have the machine's byte order: the file is for one architecture anyway.
 */
struct image {
	char magic[16];
	char made_by[48]; /* version of capshim and of libseccomp, padded with zeros */
	uint32_t arch;    /* AUDIT_ARCH_… of the machine */
	uint32_t flags;
	uint64_t keep;
	uint32_t kernel_reached, kernel_missed;
	uint32_t count; /* number of instructions */
	uint32_t unused;
	uint64_t checksum; /* of everything else, computed with this field 0 */
};

static const char magic[16] = "capshim-bpf-1\n";

static void made_by(struct mem *mem, char field[static sizeof(((struct image *)0)->made_by)])
{
	const char *text = mem_format(mem, "capshim %s, %s", CAPSHIM_VERSION, call_made_by);
	size_t length = strlen(text);

	memset(field, 0, sizeof(((struct image *)0)->made_by));
	memcpy(field, text, length < 47 ? length : 47);
}

static uint64_t add_bytes(uint64_t sum, const void *bytes, size_t size)
{
	for (const unsigned char *at = bytes; size > 0; size--)
		sum = (sum ^ *at++) * UINT64_C(0x100000001b3);
	return sum;
}

/* FNV-1a. It detects damage; the owner and mode of the file protect it against changes. */
static uint64_t checksum(struct image image, const struct sock_filter *code)
{
	image.checksum = 0;
	return add_bytes(add_bytes(UINT64_C(0xcbf29ce484222325), &image, sizeof(image)), code,
			 image.count * sizeof(*code));
}

/* Was IMAGE, whose checksum is right, made for this run? NULL, or why not. */
static const char *mismatch(struct mem *mem, const struct image *image, const struct filter_target *target)
{
	const uint32_t kernel = target->kernel_major << 16 | target->kernel_minor;
	char ours[sizeof(image->made_by)];

	made_by(mem, ours);
	if (memcmp(ours, image->made_by, sizeof(ours)) != 0)
		return mem_format(mem, "it was compiled by %.47s, and this is %s: compile it again", image->made_by,
				  ours);
	if (image->arch != filter_native())
		return "it was compiled for another architecture";
	if (image->keep != target->keep)
		return mem_format(mem,
				  "it was compiled for the kept capabilities %s, but the workload keeps %s: compile it "
				  "with -c and this config",
				  capability_list(mem, image->keep), capability_list(mem, target->keep));
	if (kernel < image->kernel_reached)
		return mem_format(mem, "it was compiled for Linux %u.%u or newer", image->kernel_reached >> 16,
				  image->kernel_reached & 0xffff);
	if (image->kernel_missed && kernel >= image->kernel_missed)
		return mem_format(mem,
				  "it was compiled for Linux older than %u.%u: compile it on the kernel it runs on",
				  image->kernel_missed >> 16, image->kernel_missed & 0xffff);
	return NULL;
}

const char *filter_read(struct filter *filter, struct mem *mem, const void *bytes, size_t length,
			const struct filter_target *target)
{
	struct image image;
	const char *denied;

	if (length < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return "not a profile compiled by \"capshim --compile-seccomp\"";
	if (length < sizeof(image))
		return "it is truncated";
	memcpy(&image, bytes, sizeof(image));
	const size_t size = (length - sizeof(image)) / sizeof(struct sock_filter);
	if (image.count > size)
		return "it is truncated";
	if (image.count == 0 || image.count > BPF_MAXINSNS ||
	    length != sizeof(image) + image.count * sizeof(struct sock_filter))
		return "it is damaged: its size is wrong";
	struct sock_filter *code = mem_array(mem, image.count, sizeof(*code));
	memcpy(code, (const char *)bytes + sizeof(image), image.count * sizeof(*code));
	if (checksum(image, code) != image.checksum)
		return "it is damaged: the checksum is wrong";
	if (image.flags & ~FILTER_FLAGS)
		return "it is damaged: no profile has its flags";
	const char *why = mismatch(mem, &image, target);
	if (why)
		return why;
	filter->code = code;
	filter->count = (unsigned short)image.count;
	filter->flags = image.flags;
	return filter_unusable(mem, filter, &denied);
}

/* Does not follow a link. A file left by a failed write is refused later as truncated. */
static int save(const char *out, const struct image *image, const struct sock_filter *code)
{
	char why[256];
	int fd = openat(AT_FDCWD, out, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && fd_write_all(fd, image, sizeof(*image)) &&
		  fd_write_all(fd, code, image->count * sizeof(*code));
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	if (!ok)
		diag_say("cannot write \"%s\": %s", out, diag_why(why, sizeof(why), errno, DIAG_NO_CAP));
	return ok ? 0 : DIAG_SYSTEM;
}

int filter_compile_file(struct problems *problems, const char *in, const char *out, const struct filter_target *target)
{
	struct filter filter;
	struct filter_profile profile;
	struct list unknown = {0};
	struct image image = {.arch = filter_native(), .keep = target->keep};
	const char *why = NULL;
	size_t length;

	char *bytes = trust_read(&problems->mem, in, YAML_LIMIT, &length, &why);
	if (!bytes)
		problem_add(problems, in, 0, 0, "%s", why);
	const struct node *node = bytes ? yaml_read(problems, in, bytes, length) : NULL;
	if (!node || !filter_compile(&filter, &profile, problems, node, target)) {
		problems_say(problems);
		return DIAG_USER;
	}
	filter_unknown(&problems->mem, node, target, &unknown);
	for (size_t i = 0; i < unknown.count; i++)
		diag_say("%s", unknown.items[i]);
	memcpy(image.magic, magic, sizeof(magic));
	made_by(&problems->mem, image.made_by);
	image.flags = filter.flags;
	image.kernel_reached = profile.kernel.reached;
	image.kernel_missed = profile.kernel.missed;
	image.count = filter.count;
	image.checksum = checksum(image, filter.code);
	return save(out, &image, filter.code);
}
