#!/bin/sh
# Installs sluice's executable of the latest release, or of a given one, after checking its checksum. No root needed.
#
#   sh install.sh [--version 1.2.3] [--prefix DIR]
#
# It goes to DIR/bin, ~/.local/bin if no DIR is given. It takes curl or wget, tar, and sha256sum, shasum or openssl.
set -eu

# owner/name on GitHub; what comes with a release has it filled in.
REPOSITORY=${SLUICE_REPOSITORY:-}
# Where releases are, for a mirror: the files of 1.2.3 are in /download/v1.2.3, those of the latest in /latest/download.
RELEASES=${SLUICE_RELEASES:-https://github.com/$REPOSITORY/releases}

main() {
  version='' prefix=''
  while [ $# -gt 0 ]; do
    case $1 in
      --version) version=${2:?"a version is expected behind --version"} && shift 2 ;;
      --version=*) version=${1#*=} && shift ;;
      --prefix) prefix=${2:?"a directory is expected behind --prefix"} && shift 2 ;;
      --prefix=*) prefix=${1#*=} && shift ;;
      -h | --help) usage && exit ;;
      *) usage >&2 && exit 2 ;;
    esac
  done
  if [ -z "$REPOSITORY" ] && [ -z "${SLUICE_RELEASES:-}" ]; then
    fail "whose sluice? Say SLUICE_REPOSITORY=owner/name, or take the install.sh of a release"
  fi
  if [ -z "$prefix" ]; then prefix=${HOME:?"is not set; say where to with --prefix DIR"}/.local; fi

  platform=$(platform)
  hasher=$(hasher)
  archive=sluice-$platform.tar.gz
  if [ -n "$version" ]; then from=$RELEASES/download/v${version#v}; else from=$RELEASES/latest/download; fi

  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' EXIT
  trap 'exit 1' HUP INT TERM

  download "$from/SHA256SUMS" "$temporary/SHA256SUMS" ||
    fail "cannot download $from/SHA256SUMS${version:+; is there a release $version?}"
  wanted=$(awk -v file="$archive" '$2 == file || $2 == "*" file { print $1 }' "$temporary/SHA256SUMS")
  if [ -z "$wanted" ]; then fail "this release has no executable for $platform"; fi

  echo "downloading $from/$archive"
  download "$from/$archive" "$temporary/$archive" || fail "cannot download $from/$archive"
  got=$($hasher <"$temporary/$archive" | cut -d ' ' -f 1)
  if [ "$got" != "$wanted" ]; then
    fail "$archive is not what was released: its checksum is $got, and it should be $wanted"
  fi
  tar -xzf "$temporary/$archive" -C "$temporary" sluice || fail "$archive cannot be unpacked"
  install_to "$prefix/bin"
}

usage() {
  echo 'usage: sh install.sh [--version 1.2.3] [--prefix DIR]
Installs sluice to DIR/bin, ~/.local/bin if no DIR is given.'
}

fail() {
  echo "error: $1" >&2
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# The name of this machine's system and processor in the names of the archives.
platform() {
  system=$(uname -s) machine=$(uname -m)
  case $system in
    Linux)
      system=linux
      if ldd --version 2>&1 | grep -qi musl; then
        fail "this system's C library is musl, and the executable needs glibc; the container image has one"
      fi
      ;;
    Darwin)
      system=macos
      # A shell that runs translated takes its machine for an Intel one.
      if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then machine=arm64; fi
      ;;
    MINGW* | MSYS* | CYGWIN*)
      fail "on Windows download sluice-windows-x86_64.zip from $RELEASES"
      ;;
    *) fail "there is no executable for $system; with Deno sluice runs from its sources" ;;
  esac
  case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "there is no executable for $machine; with Deno sluice runs from its sources" ;;
  esac
  echo "$system-$machine"
}

# download URL FILE
download() {
  if have curl; then
    # Nobody may send it from HTTPS to something less.
    case $1 in https:*) protocol='=https' ;; *) protocol='=http,https' ;; esac
    curl --proto "$protocol" --fail --silent --show-error --location --output "$2" "$1"
  elif have wget; then
    wget -q -O "$2" "$1"
  else
    fail "neither curl nor wget is here to download with"
  fi
}

# What prints the SHA-256 of its input in hexadecimal, and then more.
hasher() {
  if have sha256sum; then
    echo sha256sum
  elif have shasum; then
    echo shasum -a 256
  elif have openssl; then
    echo openssl dgst -sha256 -r
  else
    fail "neither sha256sum nor shasum nor openssl is here to check the download with"
  fi
}

# Puts the executable into a directory, once it has shown that it runs here. One that is running goes on as it is.
install_to() {
  bin=$1
  new=$bin/.sluice.$$
  if ! { mkdir -p "$bin" && cp "$temporary/sluice" "$new"; }; then
    fail "cannot write to $bin; --prefix DIR says where else to"
  fi
  chmod 755 "$new"
  if ! installed=$("$new" --version); then
    rm -f "$new"
    fail "the executable does not run on this system"
  fi
  mv -f "$new" "$bin/sluice"
  echo "installed sluice $installed in $bin"
  case :$PATH: in
    *":$bin:"*) ;;
    *) echo "$bin is not in PATH; for this shell: export PATH=\"$bin:\$PATH\"" ;;
  esac
}

# The last line, and one that nothing can be missing of: a script that was cut off does nothing.
{ main "$@"; }
