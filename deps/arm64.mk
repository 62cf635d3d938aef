# capshim for arm64, made on another machine: "make arm64" gives $(BUILD)/arm64/capshim. The compiler is that of
# Debian's musl-dev:arm64, a wrapper of the cross compiler; what the build runs of its own products runs under qemu-user.

ARM64 = CC=aarch64-linux-musl-gcc LIBC=musl BUILD=$(BUILD)/arm64 DEPS=$(DEPS) RUN=qemu-aarch64-static

.PHONY: arm64
arm64:
	deps/install-packages build arm64
	$(MAKE) $(ARM64) all

# Under qemu-user there are no filters and no other architecture's containers: test/970-arm64.bats simulates the former.
ARM64_TESTS := test/970-arm64.bats $(filter-out test/000% test/465% test/6% test/9%,$(sort $(wildcard test/*.bats)))
ABSENT := filter_load init_loop prctl syscall

.PHONY: test-arm64 arm64-fixtures
test-arm64:
	deps/install-packages build test arm64
	$(MAKE) all fixtures
	$(MAKE) $(ARM64) all arm64-fixtures
	$(TEST_ENVIRONMENT) CAPSHIM=$(abspath $(BUILD)/arm64/test/capshim) DEPS=$(abspath $(DEPS)) SECCOMP=0 \
		BATS_LIB_PATH=$${BATS_LIB_PATH:-/usr/lib/bats} BATS_TEST_TIMEOUT=$${BATS_TEST_TIMEOUT:-240} \
		test/arm64/emulated $(BUILD)/test/start --signals -- \
		test/arm64/run $(if $(filter file,$(origin TESTS)),$(ARM64_TESTS),$(TESTS))

arm64-fixtures: $(addprefix $(BUILD)/test/,bpfsim capshim probe)

# What is shipped, but for what qemu-user does not have.
$(BUILD)/test/capshim: $(OBJECTS) $(GENERATED) $(OUT)/test/arm64/absent.o $(ARCHIVES)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(CC) $(OWN_LDFLAGS) $(LDFLAGS) $(ABSENT:%=-Wl,--wrap=%) $(filter %.o,$^) $(LDLIBS) -o $@
