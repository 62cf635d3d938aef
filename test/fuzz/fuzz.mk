# The fuzz targets: "make fuzz FUZZ_SECONDS=n" looks for new inputs, "make test" gives them the seeds. Built with the
# distribution's libraries; clang is the only compiler with libFuzzer.

FUZZ := $(BUILD)/fuzz
FUZZ_TARGETS := config steps expand accounts glob mode profile image tree
FUZZ_BINARIES := $(FUZZ_TARGETS:%=$(FUZZ)/bin/%)
FUZZ_SECONDS ?= 300
FUZZ_JOBS ?= $(shell nproc)

# Everything but main(), and the heap, which is the sanitizers'.
FUZZ_SHARED := $(filter-out shim/main.c $(MUSL_ONLY),$(SOURCES)) test/fuzz/fuzz.c
FUZZ_WORLD := $(wildcard test/fuzz/world*.c)
FUZZ_MEANING := test/filter/meaning.c test/filter/calls.c
FUZZ_TREE := test/filter/tree.c
FUZZ_SOURCES := $(FUZZ_SHARED) $(FUZZ_WORLD) $(FUZZ_MEANING) $(FUZZ_TREE) test/fuzz/json.c test/fuzz/mutate.c $(FUZZ_TARGETS:%=test/fuzz/%.c)

FUZZ_FLAGS := $(filter-out -Wpedantic,$(WARNINGS)) -std=c2x -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all \
	      -D_GNU_SOURCE -DCAPSHIM_VERSION='"$(VERSION)"' -DFUZZ_WORLD='"$(abspath test/fuzz/world)"' -iquote shim
FUZZ_WRAP := diag_die diag_cannot
$(FUZZ)/bin/config $(FUZZ)/bin/steps: FUZZ_WRAP += trust_read access faccessat walk_open walk_find config_look_up \
						   write vdprintf problem_add
$(FUZZ)/bin/image: FUZZ_WRAP += trust_read

.PHONY: fuzz fuzzers
fuzzers: $(FUZZ_BINARIES) $(FUZZ)/words

fuzz:
	deps/install-packages build fuzz
	$(MAKE) fuzzers
	FUZZ=$(FUZZ) FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_JOBS=$(FUZZ_JOBS) test/fuzz/run $(FUZZ_TARGETS)

$(FUZZ)/obj/%.o: %.c $(FUZZ)/flags
	$(call say,CLANG)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c $< -o $@

# The table of calls and the built-in filter, without sanitizers. They are made from the distribution's libseccomp, with
# which the targets compare.
FUZZ_GEN := $(BUILD)/glibc/gen
ifneq ($(FUZZ_GEN),$(GEN))
$(FUZZ_GEN)/calls.c: deps/calls-generate.c
$(FUZZ_GEN)/default_filter.c: $(FUZZ_GEN)/calls.c config/seccomp/default.json $(GENERATE_PARTS)
$(FUZZ_GEN)/calls.c $(FUZZ_GEN)/default_filter.c:
	$(MAKE) CC=gcc LIBC=glibc SANITIZE= $@
endif

$(FUZZ)/obj/%.o: $(FUZZ_GEN)/%.c $(FUZZ)/flags
	$(call say,CLANG)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -Wno-overlength-strings -c $< -o $@

$(FUZZ)/obj/shim.a: $(FUZZ_SHARED:%.c=$(FUZZ)/obj/%.o) $(FUZZ)/obj/calls.o $(FUZZ)/obj/default_filter.o
	$(call say,AR)
	rm -f $@
	ar rcs $@ $^

$(FUZZ)/bin/config $(FUZZ)/bin/steps: $(FUZZ_WORLD:%.c=$(FUZZ)/obj/%.o)
$(FUZZ)/bin/config: $(FUZZ)/obj/test/fuzz/json.o
$(FUZZ)/bin/config $(FUZZ)/bin/steps: $(FUZZ)/obj/test/fuzz/mutate.o
$(FUZZ)/bin/profile: $(FUZZ_MEANING:%.c=$(FUZZ)/obj/%.o)
$(FUZZ)/bin/tree: $(FUZZ_TREE:%.c=$(FUZZ)/obj/%.o)
$(FUZZ)/bin/%: $(FUZZ)/obj/test/fuzz/%.o $(FUZZ)/obj/shim.a
	$(call say,LINK)
	@mkdir -p $(@D)
	clang -fsanitize=fuzzer,address,undefined $(FUZZ_WRAP:%=-Wl,--wrap=%) $(filter %.o,$^) $(FUZZ)/obj/shim.a \
		-lcap-ng -lseccomp -lyaml -o $@

# Keys, words and messages of the parser, for libFuzzer to put in: a string literal a line.
$(FUZZ)/words: $(filter shim/config/% shim/steps/%,$(SOURCES) $(HEADERS))
	$(call say,GEN)
	@mkdir -p $(@D)
	grep -ohE '"[-a-z_0-9:/=>+.]{2,24}"' $^ | LC_ALL=C sort -u >$@

$(FUZZ)/flags: FORCE
	@mkdir -p $(@D)
	@echo $(call quote,$(FUZZ_FLAGS)) | cmp -s - $@ || echo $(call quote,$(FUZZ_FLAGS)) >$@

-include $(FUZZ_SOURCES:%.c=$(FUZZ)/obj/%.d)

FUZZ_STYLED := $(wildcard test/fuzz/*.c test/fuzz/*.h)

.PHONY: lint-fuzz
lint: lint-fuzz
lint-fuzz:
	clang-format-14 --dry-run --Werror $(FUZZ_STYLED)
	.ci/style $(FUZZ_STYLED)
	shellcheck test/fuzz/run
