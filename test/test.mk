# The tests. "make test" is for everybody: it installs and builds what they need. "make run-tests" is for whoever has all
# that, and "make check" is what a commit should pass. TESTS="test/500-drop.bats ..." names some files.

TESTS ?= $(filter-out test/970-arm64.bats test/971-machines.bats,$(sort $(wildcard test/*.bats)))
# In less than a minute: whatever ends soon, for every part of shim/ something.
CHECK_TESTS := $(sort $(wildcard $(addprefix test/,0* 10* 11* 12* 13* 200-* 310-* 400-* 411-* 432-* 433-* 450-* 500-* 510-* 700-* 800-*)))

TEST_ENVIRONMENT = CAPSHIM=$(abspath $(BINARY)) PROBE=$(abspath $(BUILD)/test/probe) START=$(abspath $(BUILD)/test/start) \
		   FAULT=$(abspath $(BUILD)/test/fault) LEARN=$(abspath $(LEARN)) DEPS_DIR=$(abspath $(DEPS)) LIBC=$(LIBC)
RUN_TESTS = $(TEST_ENVIRONMENT) FUZZ_DIR=$(abspath $(FUZZ)) BATS_LIB_PATH=$${BATS_LIB_PATH:-/usr/lib/bats} \
	    BATS_TEST_TIMEOUT=$${BATS_TEST_TIMEOUT:-300} $(BUILD)/test/start --signals -- test/run $(if $(V),--verbose)
# The seeds of the fuzz targets take clang, and minutes to build: only where they are asked for.
CHOSEN = $(if $(filter file,$(origin TESTS)),$(filter-out test/960-fuzz.bats,$(TESTS)),$(TESTS))

.PHONY: test run-tests check test-faults test-kills test-mutants
# What is installed may be the compiler: only a make that starts then can ask it about itself.
test:
	deps/install-packages build test fuzz dist deb
	$(MAKE) run-tests TESTS="$(TESTS)"

run-tests: all fixtures $(if $(findstring test/960-,$(CHOSEN)),fuzzers)
	$(RUN_TESTS) $(CHOSEN)

check: all fixtures lint-format lint-style lint-floors lint-shell
	$(RUN_TESTS) $(CHECK_TESTS)

# The whole sweep, and every mutant of the drop and of the proof: minutes, and ten minutes.
test-faults:
	deps/install-packages build test
	$(MAKE) all fixtures
	$(TEST_ENVIRONMENT) test/faults/sweep.py

test-kills:
	deps/install-packages build test
	$(MAKE) all fixtures
	$(TEST_ENVIRONMENT) test/faults/sweep.py --kills
	$(TEST_ENVIRONMENT) test/faults/storm.py 60

test-mutants:
	deps/install-packages build test
	$(MAKE) all fixtures
	$(TEST_ENVIRONMENT) test/faults/mutate.py
