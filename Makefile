# Builds capshim. "make" gives build/capshim and build/capshim-learn, static and linked with musl; "make CC=gcc" the same sources against the
# distribution's C library and -dev packages, for sanitizers, fuzzers and packagers. CONTRIBUTING.md says what each
# target is for, and so does "make help". CFLAGS, CPPFLAGS and LDFLAGS are the user's: what the sources need is in
# variables of their own. One short line for each file that is made; "make V=1" shows the commands instead.

VERSION := 0.2.0

BUILD ?= build
DEPS ?= $(BUILD)/deps
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/capshim
DOCDIR ?= $(PREFIX)/share/doc/capshim
INSTALL ?= install
SANITIZE ?=

# As many jobs as there are processors, unless -j says something else.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=$(shell nproc)
endif

V ?=
ifeq ($(V),)
MAKEFLAGS += --no-print-directory
.SILENT:
endif
say = @$(if $(V),:,printf '%-5s %s\n' $(1) $@)

ifeq ($(origin CC),default)
CC := musl-gcc
endif
HOST := $(or $(shell $(CC) -dumpmachine 2>/dev/null),no-compiler)
LIBC ?= $(if $(findstring musl,$(CC) $(HOST)),musl,glibc)

SOURCES := $(sort $(wildcard shim/*.c shim/*/*.c shim/*/*/*.c))
HEADERS := $(sort $(wildcard shim/*.h shim/*/*.h shim/*/*/*.h))
# capshim-learn: a program of its own, on the same sources but for their main().
LEARN_SOURCES := $(sort $(wildcard learn/*.c))
LEARN_HEADERS := $(sort $(wildcard learn/*.h))
# A fixture with a main() is a program; the others are linked to each of these.
FIXTURES := $(wildcard test/fixtures/*.c)
FIXTURE_MAINS := $(if $(FIXTURES),$(shell grep -lw '^int main' $(FIXTURES)))
FIXTURE_PARTS := $(filter-out $(FIXTURE_MAINS),$(FIXTURES))

# -Oz: the binary is read from a cold page cache at every start of a container; -Os is 2 KB more, -O2 29 KB, and neither
# is faster.
CFLAGS ?= -Oz
# No sibling calls: a function that ends in one of several calls has its end once, and not before each jump; 1 KB less.
CODE := -ffunction-sections -fdata-sections -fstack-protector-strong -fno-optimize-sibling-calls
WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	    -Wwrite-strings -Wformat=2
# Sources name each other from shim/ on. -iquote: what the libraries include is never ours.
OWN_CPPFLAGS := -D_GNU_SOURCE -DCAPSHIM_VERSION='"$(VERSION)"' -iquote shim
# 32-bit machines: no file may forget which of two calls of a name it means.
OWN_CPPFLAGS += $(if $(filter arm-%,$(HOST)),-include shim/base/calls32.h)
OWN_CFLAGS := -std=c2x $(WARNINGS) $(if $(WERROR),-Werror) $(CODE)

ifeq ($(LIBC),musl)
OUT := $(BUILD)/musl
BINARY := $(BUILD)/capshim
LIBDIR := $(DEPS)/$(HOST)
# Not position-independent: 2 page faults and 10 us less at every start than a static PIE, which musl-gcc cannot link.
# No unwind tables: nothing unwinds here, and they are 8 KB.
STATIC_CFLAGS := -fno-pie -fno-pic -fno-asynchronous-unwind-tables -fno-unwind-tables \
		 -isystem $(abspath $(LIBDIR))/linux-headers
# noseparate-code: two segments less to map; 2 page faults, 12 us and 4 KB less. norelro: musl protects nothing in a static
# program after its start, and to ask for it all the same is padding: 3.5 KB here, 62 KB where pages may have 64 KB.
# common-page-size: no padding between the two segments, 3 KB, for a page that is mapped twice.
STATIC_LDFLAGS := -static -no-pie -Wl,--gc-sections,-z,noseparate-code,-z,norelro,-z,noexecstack,-z,common-page-size=64 -s
# What gcc does for speed even here: 3 KB, and no start is slower without it. The libraries would become larger.
SMALLER := -fno-caller-saves -fno-ira-share-spill-slots -fno-move-loop-invariants -fno-tree-loop-im \
	   -fno-tree-dominator-opts -fno-tree-tail-merge -fno-shrink-wrap -fno-jump-tables -fno-thread-jumps \
	   -fno-forward-propagate -fno-inline-small-functions -fira-region=all -fno-tree-fre -fno-ira-hoist-pressure \
	   -fno-tree-switch-conversion
# Tables begin where the ABI says, and not at a line of the cache.
SMALLER += $(if $(filter x86_64-%,$(HOST)),-malign-data=abi)
OWN_CFLAGS += $(STATIC_CFLAGS) $(SMALLER)
OWN_CPPFLAGS += -isystem $(LIBDIR)/include
OWN_LDFLAGS := $(STATIC_LDFLAGS)
ARCHIVES := $(addprefix $(LIBDIR)/lib/,libcap-ng.a libseccomp.a libyaml.a)
LDLIBS := $(filter-out %/libseccomp.a,$(ARCHIVES))
# For programs of the build and of the tests only: deps/seccomp.mk.
LIBSECCOMP := $(LIBDIR)/lib/libseccomp.a
FIRST := $(OUT)/first.ld
OWN_LAYOUT := -Wl,-T,$(FIRST)
else
OUT := $(BUILD)/$(if $(SANITIZE),san,$(LIBC))
BINARY := $(OUT)/capshim
OWN_CFLAGS += -g $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
OWN_LDFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack
ARCHIVES :=
LDLIBS := -lcap-ng -lyaml
LIBSECCOMP := -lseccomp
endif

GEN := $(OUT)/gen
# These take the place of musl's; other builds keep their C library's, some of which the sanitizers replace.
MUSL_ONLY := shim/base/heap.c shim/base/format.c
OBJECTS := $(patsubst %.c,$(OUT)/%.o,$(if $(filter musl,$(LIBC)),$(SOURCES),$(filter-out $(MUSL_ONLY),$(SOURCES))))
GENERATED := $(GEN)/licenses.o
LEARN := $(dir $(BINARY))capshim-learn
LEARN_OBJECTS := $(LEARN_SOURCES:%.c=$(OUT)/%.o)
PROGRAMS := $(FIXTURE_MAINS:test/fixtures/%.c=$(BUILD)/test/%)

.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all objects fixture-objects fixtures demo lint install clean distclean install-deps help FORCE

include deps/seccomp.mk
include deps/arm64.mk
include deps/riscv64.mk
include deps/armhf.mk
include bench/bench.mk
include test/test.mk
include test/fuzz/fuzz.mk
include test/sanitize.mk
include test/coverage/coverage.mk
include test/kernels/kernels.mk
include packaging/packaging.mk

all: $(BINARY) $(LEARN)

$(BINARY): $(OBJECTS) $(GENERATED) $(ARCHIVES) $(FIRST)
	$(call say,LINK)
	$(CC) $(OWN_LDFLAGS) $(OWN_LAYOUT) $(LDFLAGS) $(OBJECTS) $(GENERATED) $(LDLIBS) -o $@

# It chooses what cap_add is, run by run: learn/run.c.
$(LEARN): $(OBJECTS) $(LEARN_OBJECTS) $(GENERATED) $(ARCHIVES)
	$(call say,LINK)
	$(CC) $(OWN_LDFLAGS) -Wl,--wrap=value_capabilities $(LDFLAGS) $(filter-out $(OUT)/shim/main.o,$(OBJECTS)) \
		$(LEARN_OBJECTS) $(GENERATED) $(LDLIBS) -o $@

# What starts use comes first: constants, code, strings. A file is mapped by pieces of 64 KB, of which a plain start then
# touches two; scattered over all six it took 10 us more. The strings are together, for the linker to merge. What is
# discarded are the compiler's constructors for transactional memory and C++, and with them a page that only they need; the
# names of the compilers, and the end of unwind tables that are not there.
$(OUT)/first.ld: shim/first
	$(call say,GEN)
	@mkdir -p $(@D)
	awk 'BEGIN { later = 0 } NF == 0 { later = 1 } NF { data[later] = data[later] " *(.rodata." $$1 ")"; strings = strings " *(.rodata." $$1 ".str1.*)"; \
		code[later] = code[later] " *(.text." $$1 " .text.startup." $$1 ") *:" $$1 ".lo(.text)" } \
		END { print "SECTIONS {\n.first : {" data[0] " *(.rodata .rodata.cst*) *crt*.o(.text)" code[0] strings \
		" *(.rodata.str1.*) *(.rodata.*.str1.*)" code[1] data[1] " }\n" \
		"/DISCARD/ : { *crtbegin*.o(.init_array .fini_array) *(.eh_frame .comment) }\n} INSERT AFTER .init" }' $< >$@

objects: $(OBJECTS) $(LEARN_OBJECTS)

$(OUT)/%.o: %.c $(OUT)/flags $(ARCHIVES)
	$(call say,CC)
	@mkdir -p $(@D)
	$(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# PID 1 unmaps all constants and keeps this code: optimisation for speed makes constants of its own, whatever CFLAGS say.
$(OUT)/shim/init/loop.o $(OUT)/shim/init/descendants.o: override CFLAGS += -Oz
# At -O2 and above the compiler takes malloc() and memset() in calloc() for a call of calloc().
$(OUT)/shim/base/heap.o: override CFLAGS += -fno-builtin-malloc

# ISO C promises only 4095 characters of a string; compilers take any number.
$(GEN)/%.o: $(GEN)/%.c $(OUT)/flags
	$(call say,CC)
	$(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) -Wno-overlength-strings $(CFLAGS) -c $< -o $@

-include $(OBJECTS:.o=.d) $(LEARN_OBJECTS:.o=.d)

# What was built with other flags is built again.
FLAGS = $(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS)
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo $(call quote,$(FLAGS)) | cmp -s - $@ || echo $(call quote,$(FLAGS)) >$@
quote = '$(subst ','\'',$(1))'

# What --version=verbose prints, and what the SBOMs are written from.
$(GEN)/versions: deps/versions deps/sources $(OUT)/flags $(ARCHIVES)
	$(call say,GEN)
	@mkdir -p $(@D)
	CC=$(call quote,$(CC)) HOST=$(HOST) RUN=$(RUN) deps/versions $(LIBC) >$@

# What --licenses prints: the text in full for this project, the notices of what is linked in.
$(GEN)/licenses.c: $(GEN)/versions deps/licenses LICENSE
	$(call say,GEN)
	deps/licenses $(LIBC) $(call quote,$(LIBDIR)) $(VERSION) <$< >$@

# The libraries, for musl. They lie below DEPS, so that several BUILDs can share them.
$(LIBDIR)/linux-headers:
	$(call say,LINKS)
	CC=$(call quote,$(CC)) deps/linux-headers $@

$(LIBDIR)/fetched: deps/sources deps/fetch | $(LIBDIR)/linux-headers
	$(call say,FETCH)
	deps/fetch
	@touch $@

$(LIBDIR)/lib/%.a: $(LIBDIR)/fetched deps/build
	$(call say,LIB)
	+CC=$(call quote,$(CC)) HOST=$(HOST) CFLAGS=$(call quote,$(or $(filter -Oz,$(CFLAGS)),-Os) $(CODE) $(STATIC_CFLAGS)) deps/build $* $(LIBDIR)

# What the tests run as the workload: static with every C library, for it runs in containers that hold nothing else.
fixtures: $(PROGRAMS)

fixture-objects: $(FIXTURES:%.c=$(OUT)/%.o)

$(BUILD)/test/%: test/fixtures/%.c $(FIXTURE_PARTS) $(wildcard test/fixtures/*.h) $(OUT)/flags | $(if $(LIBDIR),$(LIBDIR)/linux-headers)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(filter-out -fsanitize%,$(OWN_CFLAGS)) $(CFLAGS) $< $(FIXTURE_PARTS) \
		$(filter-out -fsanitize%,$(OWN_LDFLAGS)) $(LDFLAGS) -static -o $@

demo:
	deps/install-packages build demo
	$(MAKE) all fixtures
	$(TEST_ENVIRONMENT) test/demo.sh

install-deps:
	deps/install-packages build demo test fuzz lint

# Every source with both C libraries, two compilers and gcc's analyzer, all warnings errors; and the tools that read it.
# "make -k lint" reports on all.
SCRIPTS := packaging/dist packaging/image packaging/deb deps/versions deps/newer deps/musl deps/fetch deps/build deps/licenses deps/linux-headers deps/install-packages \
	   .ci/run .ci/style .ci/floors $(wildcard test/*.bats test/*.bash test/*.sh) test/arm64/emulated test/arm64/run \
	   test/kernels/run test/kernels/init $(wildcard test/kernels/*.sh)
STYLED := $(SOURCES) $(HEADERS) $(LEARN_SOURCES) $(LEARN_HEADERS) $(FIXTURES) $(wildcard test/fixtures/*.h) test/arm64/absent.c
LINT_OBJECTS = --no-print-directory objects fixture-objects WERROR=1
LINTS := lint-format lint-style lint-floors lint-shell lint-musl lint-gcc lint-clang lint-cppcheck

.PHONY: $(LINTS)
lint: $(LINTS)

lint-format:
	clang-format-14 --dry-run --Werror $(STYLED)

lint-style:
	.ci/style $(STYLED)

lint-floors:
	.ci/floors

lint-shell:
	shellcheck $(SCRIPTS)

lint-musl: $(ARCHIVES)
	$(MAKE) $(LINT_OBJECTS) CC=musl-gcc BUILD=$(BUILD)/lint/musl DEPS=$(DEPS)

lint-gcc:
	$(MAKE) $(LINT_OBJECTS) CC=gcc LIBC=glibc BUILD=$(BUILD)/lint/gcc CFLAGS='-O2 -fanalyzer'

lint-clang:
	$(MAKE) $(LINT_OBJECTS) CC=clang LIBC=glibc BUILD=$(BUILD)/lint/clang CFLAGS=-O2

# cppcheck does not know _Noreturn. What is suppressed is wrong here more often than right: conditions that it believes to
# be constant, members that another file uses, and where a variable should be declared.
lint-cppcheck:
	cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=knownConditionTrueFalse --suppress=unusedStructMember --suppress=variableScope \
		'-D_Noreturn=__attribute__((noreturn))' -D_GNU_SOURCE -DCAPSHIM_VERSION='""' -Ishim $(filter %.c,$(STYLED))

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(DATADIR)
	$(INSTALL) -m 0755 $(BINARY) $(LEARN) $(DESTDIR)$(BINDIR)
	for page in $(wildcard man/*.1 man/*.5); do \
		$(INSTALL) -m 0644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/ || exit; \
	done
	cd config && find . -type f -exec $(INSTALL) -D -m 0644 {} $(abspath $(DESTDIR)$(DATADIR))/{} ';'
	$(INSTALL) -D -m 0644 LICENSE $(DESTDIR)$(DOCDIR)/LICENSE
	for library in $(if $(ARCHIVES),libcap-ng libseccomp libyaml); do \
		$(INSTALL) -m 0644 $(LIBDIR)/licenses/$$library $(DESTDIR)$(DOCDIR)/LICENSE.$$library || exit; \
	done

# CONTRIBUTING.md is where they are described.
help:
	sed -n 's/^    make/make/p' CONTRIBUTING.md

clean:
	rm -rf $(BUILD)

distclean: clean
	rm -rf deps/cache
