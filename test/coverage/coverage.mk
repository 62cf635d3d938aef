# "make coverage": the tests and the short fault sweep with an instrumented capshim, a table of what they reached, and a
# failure where that is less than it must be. The binary is linked as the real one is, so that it runs wherever that does.

COVERAGE := $(BUILD)/coverage
COVERAGE_OBJECTS := $(SOURCES:%.c=$(COVERAGE)/%.o)
COVERAGE_ENDS := $(COVERAGE)/test/coverage/counters.o $(COVERAGE)/test/coverage/section.o
COVERAGE_CC := clang-14 -nostdinc -isystem /usr/include/$(HOST:%-gnu=%-musl)
# Containers have an IPC namespace of their own, where nothing is counted; and what a new user does in his first hour,
# mutants and fuzz targets build their own programs. All of that would only take its time.
COVERAGE_TESTS ?= $(filter-out test/900-% test/905-% test/951-% test/960-% test/992-%,$(TESTS))

.PHONY: coverage coverage-report lint-coverage
coverage:
	deps/install-packages build test coverage
	$(MAKE) all fixtures $(COVERAGE)/capshim
	$(TEST_ENVIRONMENT) CAPSHIM=$(abspath $(COVERAGE)/capshim) BATS_LIB_PATH=$${BATS_LIB_PATH:-/usr/lib/bats} \
		BATS_TEST_TIMEOUT=$${BATS_TEST_TIMEOUT:-600} \
		test/coverage/coverage.py run $(COVERAGE) -- \
		$(BUILD)/test/start --signals -- test/run --verbose $(COVERAGE_TESTS)
	test/coverage/coverage.py report $(COVERAGE)

# Of the run before.
coverage-report:
	test/coverage/coverage.py report $(COVERAGE)

$(COVERAGE)/shim/%.o: shim/%.c $(OUT)/flags $(ARCHIVES)
	$(call say,CC)
	@mkdir -p $(@D)
	$(COVERAGE_CC) $(OWN_CPPFLAGS) $(OWN_CFLAGS) -Os -fprofile-instr-generate -fcoverage-mapping -MMD -MP -c $< -o $@

$(COVERAGE)/test/%.o: test/%.c $(OUT)/flags $(COVERAGE)/key
	$(call say,CC)
	@mkdir -p $(@D)
	$(COVERAGE_CC) $(OWN_CFLAGS) -Os -DCOUNTERS_KEY=$$(cat $(COVERAGE)/key) -c $< -o $@

# The name of the shared memory: another one for each checkout.
$(COVERAGE)/key:
	@mkdir -p $(@D)
	shuf -i 1-2000000000 -n 1 >$@

# The init keeps one section of code and unmaps the rest: here that section has to reach up to the counters. What the
# compiler says of the source lies in sections that nothing refers to, so they are not collected, nor symbols stripped.
$(COVERAGE)/capshim: $(COVERAGE_OBJECTS) $(COVERAGE_ENDS) $(GENERATED) $(ARCHIVES)
	$(call say,LINK)
	$(CC) $(filter-out -s -Wl$(comma)--gc-sections%,$(OWN_LDFLAGS)) -Wl,-z,noseparate-code,-z,relro,-z,now,-z,noexecstack \
		-Wl,--defsym=__stop_init_resident=__stop___llvm_prf_cnts \
		$(firstword $(COVERAGE_ENDS)) $(COVERAGE_OBJECTS) $(GENERATED) $(lastword $(COVERAGE_ENDS)) $(LDLIBS) -o $@
comma := ,

-include $(COVERAGE_OBJECTS:.o=.d)

lint: lint-coverage
lint-coverage:
	clang-format-14 --dry-run --Werror test/coverage/*.c
	.ci/style test/coverage/*.c
