# capshim for riscv64, as deps/arm64.mk. Debian 12 has no musl for it: deps/musl builds one.

RISCV64_MUSL := $(abspath $(DEPS))/musl-riscv64
RISCV64 = CC=$(RISCV64_MUSL)/bin/musl-gcc LIBC=musl BUILD=$(BUILD)/riscv64 DEPS=$(DEPS) RUN=qemu-riscv64-static

.PHONY: riscv64 test-riscv64
riscv64: $(RISCV64_MUSL)/version
	deps/install-packages build riscv64
	$(MAKE) $(RISCV64) all

$(RISCV64_MUSL)/version: deps/sources.musl deps/musl
	$(call say,MUSL)
	deps/install-packages build riscv64
	+deps/musl riscv64-linux-gnu $(@D)

test-riscv64: $(RISCV64_MUSL)/version
	deps/install-packages build test riscv64
	$(MAKE) all fixtures
	$(MAKE) $(RISCV64) all emulated-fixtures
	$(call test-emulated,riscv64,test/971-machines.bats)
