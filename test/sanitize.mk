# The suite with an instrumented capshim: the glibc build with AddressSanitizer and UndefinedBehaviorSanitizer, and the
# same build under valgrind. Fixtures stay static. test/sanitize/run says how both judge.

# Where instrumented runs leave their reports, inside of images, too: compiled in, for the tests clean the environment.
REPORTS := /tmp/capshim-reports
SANITIZED := $(BUILD)/san/capshim
VALGRIND_TOOL := /usr/libexec/valgrind/memcheck-amd64-linux

# A few files that between them run every module of shim/, for a change at hand.
SANITIZE_SHORT := $(wildcard $(addprefix test/,200-* 210-* 310-* 430-* 500-* 800-*))
VALGRIND_SHORT := $(wildcard $(addprefix test/,310-* 500-*))

.PHONY: test-sanitized test-sanitized-short test-valgrind test-valgrind-short sanitize-programs
test-sanitized: INSTRUMENTED_TESTS := $(TESTS)
test-sanitized-short: INSTRUMENTED_TESTS := $(SANITIZE_SHORT)
test-valgrind: INSTRUMENTED_TESTS := $(TESTS)
test-valgrind-short: INSTRUMENTED_TESTS := $(VALGRIND_SHORT)

INSTRUMENTED = $(TEST_ENVIRONMENT) REPORTS=$(REPORTS) VALGRIND_TOOL=$(VALGRIND_TOOL) test/sanitize/run

test-sanitized test-sanitized-short:
	deps/install-packages build test sanitize
	$(MAKE) all fixtures
	$(MAKE) CC=gcc SANITIZE=address,undefined all $(BUILD)/sanitize/broken-sanitized
	$(INSTRUMENTED) sanitizers $(BUILD)/san/capshim $(BUILD)/sanitize $(INSTRUMENTED_TESTS)

test-valgrind test-valgrind-short:
	deps/install-packages build test sanitize
	$(MAKE) all fixtures
	$(MAKE) CC=gcc all $(BUILD)/sanitize/broken $(BUILD)/sanitize/valgrind
	$(INSTRUMENTED) valgrind $(BUILD)/glibc/capshim $(BUILD)/sanitize $(INSTRUMENTED_TESTS)

$(OUT)/test/sanitize/reports.o: OWN_CPPFLAGS += -DREPORTS='"$(REPORTS)"'
ifneq ($(SANITIZE),)
GENERATED += $(OUT)/test/sanitize/reports.o
-include $(OUT)/test/sanitize/reports.d
endif

# Plain, whatever the flags of this make: what the sanitizers and valgrind are tried on, and what stands for capshim.
SANITIZE_CFLAGS := -std=c11 $(WARNINGS) -Wno-maybe-uninitialized -D_GNU_SOURCE -g -O0
$(BUILD)/sanitize/broken-sanitized: test/sanitize/broken.c $(OUT)/test/sanitize/reports.o
	@mkdir -p $(@D)
	gcc $(SANITIZE_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all $^ -o $@

$(BUILD)/sanitize/broken: test/sanitize/broken.c
	@mkdir -p $(@D)
	gcc $(SANITIZE_CFLAGS) $< -o $@

$(BUILD)/sanitize/valgrind: test/sanitize/valgrind.c
	@mkdir -p $(@D)
	gcc $(SANITIZE_CFLAGS) -static -DREPORTS='"$(REPORTS)"' -DPROGRAM='"$(REPORTS)/program"' \
		-DTOOL='"$(VALGRIND_TOOL)"' $< -o $@

.PHONY: lint-sanitize
lint: lint-sanitize
lint-sanitize:
	clang-format-14 --dry-run --Werror test/sanitize/*.c
	.ci/style test/sanitize/*.c
	shellcheck -x test/sanitize/run
