# capshim for arm64, made on another machine: "make arm64" gives $(BUILD)/arm64/capshim. The compiler is that of
# Debian's musl-dev:arm64, a wrapper of the cross compiler; what the build runs of its own products runs under qemu-user.

ARM64 = CC=aarch64-linux-musl-gcc LIBC=musl BUILD=$(BUILD)/arm64 DEPS=$(DEPS) RUN=qemu-aarch64-static

.PHONY: arm64
arm64:
	deps/install-packages build arm64
	$(MAKE) $(ARM64) all

# Under qemu-user there are no filters and no other architecture's containers: test/970-arm64.bats simulates the former.
EMULATED_TESTS := $(filter-out test/000% test/205% test/465% test/466% test/6% test/9%,$(sort $(wildcard test/*.bats)))
ABSENT := filter_load init_loop prctl syscall

# $(call test-emulated,MACHINE,TESTS): these of its own, and all that can run there.
define test-emulated
	$(TEST_ENVIRONMENT) MACHINE=$1 CAPSHIM=$(abspath $(BUILD)/$1/test/capshim) DEPS=$(abspath $(DEPS)) SECCOMP=0 \
		BATS_LIB_PATH=$${BATS_LIB_PATH:-/usr/lib/bats} BATS_TEST_TIMEOUT=$${BATS_TEST_TIMEOUT:-240} \
		test/arm64/emulated $(BUILD)/test/start --signals -- \
		test/arm64/run $(if $(filter file,$(origin TESTS)),$2 $(EMULATED_TESTS),$(TESTS))
endef

.PHONY: test-arm64 emulated-fixtures
test-arm64:
	deps/install-packages build test arm64
	$(MAKE) all fixtures
	$(MAKE) $(ARM64) all emulated-fixtures
	$(call test-emulated,arm64,test/970-arm64.bats)

emulated-fixtures: $(addprefix $(BUILD)/test/,bpfsim capshim probe)

# What is shipped, but for what qemu-user does not have.
$(BUILD)/test/capshim: $(OBJECTS) $(GENERATED) $(OUT)/test/arm64/absent.o $(ARCHIVES)
	$(call say,LINK)
	@mkdir -p $(@D)
	$(CC) $(OWN_LDFLAGS) $(LDFLAGS) $(ABSENT:%=-Wl,--wrap=%) $(filter %.o,$^) $(LDLIBS) -o $@
