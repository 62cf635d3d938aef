# capshim for arm64, made on another machine: "make arm64" gives $(BUILD)/arm64/capshim. The compiler is that of Debian's
# musl-dev:arm64, a wrapper of the cross compiler; what the build runs of what it built, it runs under qemu-user.

ARM64 = CC=aarch64-linux-musl-gcc LIBC=musl BUILD=$(BUILD)/arm64 DEPS=$(DEPS) RUN=qemu-aarch64-static

.PHONY: arm64
arm64:
	deps/install-packages build arm64
	$(MAKE) $(ARM64) all

# musl protects nothing in a static program after relocating it. Where pages may have 64 KB, to say so all the same costs 62 KB
# of zeros in the file.
ifeq ($(LIBC)-$(firstword $(subst -, ,$(HOST))),musl-aarch64)
OWN_LDFLAGS += -Wl,-z,norelro
endif
