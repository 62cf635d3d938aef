# capshim for 32-bit ARM with hardware floating point (armhf), as deps/arm64.mk.

ARMHF = CC=arm-linux-musleabihf-gcc LIBC=musl BUILD=$(BUILD)/armhf DEPS=$(DEPS) RUN=qemu-arm-static

.PHONY: armhf test-armhf
armhf:
	deps/install-packages build armhf
	$(MAKE) $(ARMHF) all

test-armhf:
	deps/install-packages build test armhf
	$(MAKE) all fixtures
	$(MAKE) $(ARMHF) all emulated-fixtures
	$(call test-emulated,armhf,test/971-machines.bats)
