# What others install: make dist (tarballs), make image (for COPY --from), make deb. All are the same bytes from the same
# sources, whatever the directory, the time, the umask and the user (test/985-dist.bats).

DIST := dist
# The time of what is packed: that of the last commit, or of the file that a source bundle has in its place.
dist deb: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || cat packaging/date)

.PHONY: dist dist-amd64 dist-arm64 image image-arm64 deb

# The machine's own architecture, and arm64 through the cross compiler.
dist:
	deps/install-packages build dist arm64
	$(MAKE) all
	$(MAKE) $(ARM64) all
	rm -rf $(DIST)
	DEPS_DIR=$(DEPS) packaging/dist $(VERSION) $(DIST) amd64=$(BUILD) arm64=$(BUILD)/arm64

# For images: COPY --from=capshim:$(VERSION) /capshim /capshim
image: all
	packaging/image $(VERSION) $(BUILD)

# The same for arm64, as capshim:$(VERSION)-arm64, on a machine of any architecture.
image-arm64: arm64
	RUN=qemu-aarch64-static packaging/image $(VERSION) $(BUILD)/arm64 arm64

# A Debian package of the static binary: what is packed into images must not depend on the machine's C library.
deb:
	deps/install-packages build deb
	DEPS_DIR=$(abspath $(DEPS)) packaging/deb $(VERSION) $(DIST)
