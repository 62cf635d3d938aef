# The suite with an instrumented capshim: the glibc build with AddressSanitizer and UndefinedBehaviorSanitizer, and the
# same build under valgrind. Fixtures stay static. test/sanitize/run says how both judge.

# Where instrumented runs leave their reports, inside of images, too: compiled in, for the tests clean the environment.
REPORTS := /tmp/capshim-reports
SANITIZED := $(BUILD)/san/capshim
VALGRIND_TOOL := /usr/libexec/valgrind/memcheck-amd64-linux

# A few files that between them run every module of shim/, for a change at hand.
SANITIZE_SHORT := $(wildcard $(addprefix test/,200-* 210-* 300-* 310-* 43?-* 500-*))
VALGRIND_SHORT := $(wildcard $(addprefix test/,310-* 500-*))

.PHONY: test-sanitized test-sanitized-short test-valgrind test-valgrind-short sanitize-programs
test-sanitized: INSTRUMENTED_TESTS := $(TESTS)
test-sanitized-short: INSTRUMENTED_TESTS := $(SANITIZE_SHORT)
test-valgrind: INSTRUMENTED_TESTS := $(TESTS)
test-valgrind-short: INSTRUMENTED_TESTS := $(VALGRIND_SHORT)

# In a directory of their own, with the fixtures of the same C library and libseccomp.
INSTRUMENTED := $(BUILD)/instrumented
INSTRUMENTED_MAKE = $(MAKE) CC=gcc BUILD=$(INSTRUMENTED)
INSTRUMENTED_RUN = $(subst $(BUILD)/test/,$(INSTRUMENTED)/test/,$(TEST_ENVIRONMENT)) LIBC=glibc REPORTS=$(REPORTS) \
		   VALGRIND_TOOL=$(VALGRIND_TOOL) test/sanitize/run

test-sanitized test-sanitized-short:
	deps/install-packages build test sanitize
	+$(MAKE) all
	+$(INSTRUMENTED_MAKE) fixtures
	+$(INSTRUMENTED_MAKE) SANITIZE=address,undefined all $(INSTRUMENTED)/broken-sanitized
	$(INSTRUMENTED_RUN) sanitizers $(INSTRUMENTED)/san/capshim $(INSTRUMENTED) $(INSTRUMENTED_TESTS)

test-valgrind test-valgrind-short:
	deps/install-packages build test sanitize
	+$(MAKE) all
	+$(INSTRUMENTED_MAKE) fixtures all $(INSTRUMENTED)/broken $(INSTRUMENTED)/valgrind
	$(INSTRUMENTED_RUN) valgrind $(INSTRUMENTED)/glibc/capshim $(INSTRUMENTED) $(INSTRUMENTED_TESTS)

$(OUT)/test/sanitize/reports.o: OWN_CPPFLAGS += -DREPORTS='"$(REPORTS)"'
ifneq ($(SANITIZE),)
GENERATED += $(OUT)/test/sanitize/reports.o
-include $(OUT)/test/sanitize/reports.d
endif

# Made with BUILD as above: what sanitizers and valgrind are tried on, and what stands where the tests expect capshim.
SANITIZE_CFLAGS := -std=c2x $(WARNINGS) -Wno-maybe-uninitialized -D_GNU_SOURCE -g -O0
$(BUILD)/broken-sanitized: test/sanitize/broken.c $(OUT)/test/sanitize/reports.o
	$(call say,CC)
	@mkdir -p $(@D)
	gcc $(SANITIZE_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all $^ -o $@

$(BUILD)/broken: test/sanitize/broken.c
	$(call say,CC)
	@mkdir -p $(@D)
	gcc $(SANITIZE_CFLAGS) $< -o $@

$(BUILD)/valgrind: test/sanitize/valgrind.c
	$(call say,CC)
	@mkdir -p $(@D)
	gcc $(SANITIZE_CFLAGS) -static -DREPORTS='"$(REPORTS)"' -DPROGRAM='"$(REPORTS)/program"' \
		-DTOOL='"$(VALGRIND_TOOL)"' $< -o $@

.PHONY: lint-sanitize
lint: lint-sanitize
lint-sanitize:
	clang-format-14 --dry-run --Werror test/sanitize/*.c
	.ci/style test/sanitize/*.c
	shellcheck -x test/sanitize/run
	gcc $(SANITIZE_CFLAGS) -Werror -fsyntax-only -DREPORTS='""' -DPROGRAM='""' -DTOOL='""' test/sanitize/*.c
