#!/usr/bin/env bats
# bats file_tags=long:90
# What others install: the same bytes from the same sources, and tarballs, image and package that hold what they should.

load helpers
load engine

setup_file() {
	export BATS_TEST_TIMEOUT=600
	# The sources that are tested; they need not be a repository.
	tar -C "$REPO" --exclude=./build --exclude=./dist --exclude=./deps/cache --exclude=./.git -cf "$CAPSHIM_TEST_ROOT/source.tar" .
	engine_start "$CAPSHIM_TEST_ROOT"
}

setup() {
	test_dir
	export SOURCE_DATE_EPOCH=1700000000
}

# source DIRECTORY: a checkout there, which is a repository of its own.
source_at() {
	mkdir -p "$1"
	tar -C "$1" --no-same-owner -xf "$CAPSHIM_TEST_ROOT/source.tar"
	mkdir -p "$1/deps/cache"
	cp "$REPO"/deps/cache/*.tar.gz "$1/deps/cache"
	git -C "$1" init -q
	git -C "$1" add -A
	git -C "$1" -c user.name=test -c user.email=test@invalid commit -qm test
}

# A copy of this checkout's libraries, newer than the sources: to build them again takes a minute, and others use them.
libraries() {
	cp -a "$DEPS_DIR" "$T/deps"
	find "$T/deps" \( -name fetched -o -name '*.a' \) -exec touch -d "$(date)" {} + # one time for all
}

build_at() { # DIRECTORY NAME=VALUE ...
	observe env -u MAKEFLAGS -u MAKELEVEL -u BUILD "${@:2}" make -C "$1" --no-print-directory all CC=musl-gcc DEPS="$T/deps"
	assert_success
	refute_output --partial 'LIB '
}

@test "two builds in other directories, at other times, for other users, are the same bytes" {
	source_at "$T/a"
	source_at "$T/a/longer/path/to b"
	libraries
	(umask 022 && build_at "$T/a" TZ=UTC HOME=/root LC_ALL=C SOURCE_DATE_EPOCH=1)
	(umask 077 && build_at "$T/a/longer/path/to b" TZ=Asia/Tokyo HOME=/nonexistent LC_ALL=C.UTF-8 USER=other SOURCE_DATE_EPOCH=2)
	cmp "$T/a/build/capshim" "$T/a/longer/path/to b/build/capshim"
}

@test "the tarballs hold what a release must, twice the same, and SHA256SUMS is right" {
	source_at "$T/a"
	mkdir -p "$T/a/build/musl/gen"
	cp "$CAPSHIM" "$T/a/build/capshim"
	cp "${CAPSHIM%/*}/musl/gen/versions" "$T/a/build/musl/gen"
	local out
	for out in one two; do
		observe env DEPS_DIR="$DEPS_DIR" "$T/a/packaging/dist" 9.9 "$T/$out" amd64=build
		assert_success
		sleep 1 # another second, for what would write the time
	done
	diff -r "$T/one" "$T/two"
	(cd "$T/one" && sha256sum --quiet -c SHA256SUMS)
	tar -C "$T" -xzf "$T/one/capshim-9.9-linux-amd64.tar.gz"
	cmp "$CAPSHIM" "$T/capshim-9.9-linux-amd64/capshim"
	[ -s "$T/capshim-9.9-linux-amd64/man/capshim.1" ]
	[ -s "$T/capshim-9.9-linux-amd64/licenses/libseccomp" ]
	[ -s "$T/capshim-9.9-linux-amd64/licenses/building.md" ]
	# The source bundle builds without a network: the libraries are in it.
	tar -C "$T" -xzf "$T/one/capshim-9.9-source.tar.gz"
	observe ls "$T/capshim-9.9-source/deps/cache"
	assert_output --partial libseccomp-
	(cd "$T/capshim-9.9-source" && CAPSHIM_CACHE=/nonexistent deps/fetch)
	# Every library of deps/sources is in both SBOMs, with its checksum.
	local sbom=$T/one/capshim-9.9-linux-amd64
	while read -r library version _ sum _; do
		case $library in '' | '#'*) continue ;; esac
		jq -e --arg n "$library" --arg v "$version" --arg s "$sum" '.packages[] | select(.name == $n and .versionInfo == $v) |
			.checksums[0].checksumValue == $s' "$sbom.spdx.json"
		jq -e --arg n "$library" --arg s "$sum" '.components[] | select(.name == $n) | .hashes[0].content == $s' \
			"$sbom.cdx.json"
	done <"$REPO/deps/sources"
	# What the binary says of itself is what the SBOMs say of it.
	"$CAPSHIM" --version=verbose >"$T/versions"
	grep -qx "  musl $(jq -r '.components[] | select(.name == "musl") | .version' "$sbom.cdx.json")" "$T/versions"
	grep -qxF "  compiler $(jq -r '.metadata.tools.components[0].version' "$sbom.cdx.json")" "$T/versions"
	assert_equal "$(jq -r '.packages[] | select(.name != "capshim") | "\(.name) \(.versionInfo)"' "$sbom.spdx.json" | sort)" \
		"$(sed -n '3,$s/^ *\([^ ]* [^ ]*\).*/\1/p' "$T/versions" | sort)"
}

@test "the checksums are signed by the key that MINISIGN_KEY names, and a changed file is found" {
	source_at "$T/a"
	mkdir -p "$T/a/build/musl/gen"
	cp "$CAPSHIM" "$T/a/build/capshim"
	cp "${CAPSHIM%/*}/musl/gen/versions" "$T/a/build/musl/gen"
	timeout 20 minisign -G -W -p "$T/key.pub" -s "$T/key" >&2
	observe env DEPS_DIR="$DEPS_DIR" MINISIGN_KEY="$T/key" timeout 60 "$T/a/packaging/dist" 9.9 "$T/out" amd64=build
	assert_success
	timeout 20 minisign -V -p "$T/key.pub" -m "$T/out/SHA256SUMS"
	sed -i '1s/^./x/' "$T/out/SHA256SUMS"
	observe timeout 20 minisign -V -p "$T/key.pub" -m "$T/out/SHA256SUMS"
	assert_failure
}

@test "the image is for COPY --from: another image runs its program by it" {
	local version=test-$$ build=${CAPSHIM%/*}

	timeout 120 "$REPO/packaging/image" "$version" "$build" >&2
	image_make "$T/context"
	cat >"$T/context/Dockerfile" <<-END
		FROM scratch
		COPY etc /etc
		COPY probe /probe
		COPY --from=capshim:$version /capshim /copied
		ENTRYPOINT ["/copied", "--user", "1234:1234", "--"]
		CMD ["/probe"]
	END
	timeout 120 docker build -q -t "copied:$version" "$T/context" >&2
	observe timeout 60 docker run --rm --network none "copied:$version"
	assert_unprivileged 1234
	observe timeout 60 docker run --rm --network none "capshim:$version" --licenses
	assert_output --partial libseccomp
	# For another machine the engine notes which; 970-arm64.bats runs such an image.
	timeout 120 "$REPO/packaging/image" "$version" "$build" arm64 >&2
	assert_equal "$(docker inspect -f '{{.Os}}/{{.Architecture}}' "capshim:$version-arm64")" linux/arm64
	assert_equal "$(docker inspect -f '{{.Architecture}}' "capshim:$version")" "$(docker version -f '{{.Server.Arch}}')"
}

@test "the Debian package is one that lintian accepts; it installs, runs, and leaves nothing" {
	source_at "$T/a"
	libraries
	observe env -u MAKEFLAGS -u MAKELEVEL -u BUILD DEPS_DIR="$T/deps" "$T/a/packaging/deb" 9.9 "$T/out"
	assert_success
	mkdir -p "$T/root/var/lib/dpkg"/{info,updates}
	touch "$T/root/var/lib/dpkg/status"
	dpkg --root="$T/root" --log=/dev/null --force-depends --install "$T"/out/capshim_9.9_*.deb
	"$T/root/usr/bin/capshim" --version
	[ -s "$T/root/usr/share/man/man5/capshim.yaml.5.gz" ]
	dpkg --root="$T/root" --log=/dev/null --purge capshim
	observe find "$T/root" -not -path "$T/root/var/lib/dpkg*" -type f
	assert_output ''
}
