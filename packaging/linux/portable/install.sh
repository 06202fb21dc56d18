#!/bin/sh
# Installs Crossply from this folder: for this user (default, below ~/.local) or for all (--prefix /usr/local, as root).
# An older version there is replaced. Crossply also runs from this folder as it is: ./crossply, ./crossplyctl.
set -eu

prefix=${HOME:?}/.local
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix needs a folder}; shift 2 ;;
        *) echo "usage: install.sh [--prefix FOLDER]" >&2; exit 2 ;;
    esac
done
case $prefix in /*) ;; *) echo "install.sh: $prefix is not an absolute path" >&2; exit 2 ;; esac

here=$(cd "$(dirname "$0")" && pwd -P)
target=$prefix/lib/crossply
if [ "$here" = "$target" ]; then echo "install.sh: this is the installed Crossply already" >&2; exit 2; fi
if [ -e "$target" ] && [ ! -f "$target/uninstall.sh" ]; then
    echo "install.sh: $target is there and was not put there by this script; nothing was changed" >&2
    exit 1
fi

mkdir -p "$prefix/lib" "$prefix/bin" "$prefix/share/applications" "$prefix/share/icons/hicolor/scalable/apps"
new=$target.new
rm -rf "$new"
cp -R "$here" "$new"
rm -rf "$target"
mv "$new" "$target"
for program in crossply crossplyctl; do ln -sfn "../lib/crossply/$program" "$prefix/bin/$program"; done
sed "s|^Exec=crossply|Exec=$prefix/bin/crossply|" "$target/org.crossply.Crossply.desktop" \
    >"$prefix/share/applications/org.crossply.Crossply.desktop"
cp "$target/org.crossply.Crossply.svg" "$prefix/share/icons/hicolor/scalable/apps/"

echo "Crossply is in $target."
echo "Start: $prefix/bin/crossply    Remove: $target/uninstall.sh"
