# capshim on other kernels than this machine's, under emulation: "make test-kernels"; with KERNELS=--short on two of them,
# with KERNELS="5.10:amd64 6.12:arm64" on those.

KERNELS ?=

.PHONY: test-kernels kernels-fixtures
test-kernels:
	deps/install-packages build arm64 kernels
	$(MAKE) all kernels-fixtures
	$(MAKE) $(ARM64) all kernels-fixtures
	BUILD=$(abspath $(BUILD)) test/kernels/run $(KERNELS)

kernels-fixtures: $(addprefix $(BUILD)/test/,bpfsim probe start syscalls)
