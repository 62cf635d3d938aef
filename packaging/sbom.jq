# Both SBOMs of a binary, as {spdx, cdx}. Input: one line for each part, "NAME VERSION LICENCE SHA256 URL". Variables: $name
# of the tarball, $version, $date, $compiler.

# By which names scanners know a part; a CPE has the vendor that the NVD uses.
def purl: "pkg:generic/\(.name)@\(.version)";
def cpe:
	{"libcap-ng": "libcap-ng_project", libseccomp: "libseccomp_project", libyaml: "pyyaml", musl: "musl-libc"} as $vendor |
	"cpe:2.3:a:\($vendor[.name]):\(.name):\(.version):*:*:*:*:*:*:*";

def spdx_package: {
	name, SPDXID: "SPDXRef-\(.name)", versionInfo: .version, licenseConcluded: .licence, licenseDeclared: .licence,
	copyrightText: "NOASSERTION", downloadLocation: (.url // "NOASSERTION"), filesAnalyzed: false
};

def spdx_part: spdx_package + {externalRefs: [
	{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl},
	{referenceCategory: "SECURITY", referenceType: "cpe23Type", referenceLocator: cpe}
]} + (if .sha256 == "-" then {} else {checksums: [{algorithm: "SHA256", checksumValue: .sha256}]} end);

def cdx_part: {
	type: "library", "bom-ref": .name, name, version, purl: purl, cpe: cpe, licenses: [{license: {id: .licence}}],
	externalReferences: [{type: "distribution", url}]
} + (if .sha256 == "-" then {} else {hashes: [{alg: "SHA-256", content: .sha256}]} end);

[inputs | split(" ") | {name: .[0], version: .[1], licence: .[2], sha256: .[3], url: .[4]}] as $parts |
{
	spdx: {
		spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", name: $name,
		documentNamespace: "urn:capshim:spdx:\($name)",
		creationInfo: {created: $date, creators: ["Tool: packaging/dist", "Tool: \($compiler)"]},
		packages: ([{name: "capshim", version: $version, licence: "MIT"} | spdx_package] + [$parts[] | spdx_part]),
		relationships: (
			[{spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: "SPDXRef-capshim"}] +
			[$parts[] | {spdxElementId: "SPDXRef-capshim", relationshipType: "STATIC_LINK",
				relatedSpdxElement: "SPDXRef-\(.name)"}])
	},
	cdx: {
		bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
		metadata: {
			timestamp: $date,
			tools: {components: [{type: "application", name: "compiler", version: $compiler}]},
			component: {type: "application", "bom-ref": "capshim", name: "capshim", version: $version,
				licenses: [{license: {id: "MIT"}}]}
		},
		components: [$parts[] | cdx_part],
		dependencies: [{ref: "capshim", dependsOn: [$parts[].name]}]
	}
}
