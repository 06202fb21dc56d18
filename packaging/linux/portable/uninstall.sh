#!/bin/sh
# Removes what install.sh put there. Your own data (models, builds, settings) stays: see README.md, "Installing".
set -eu

target=$(cd "$(dirname "$0")" && pwd -P)
case $target in
    */lib/crossply) prefix=${target%/lib/crossply} ;;
    *) echo "uninstall.sh: $target is not an installed Crossply; delete this folder by hand" >&2; exit 1 ;;
esac
for program in crossply crossplyctl; do
    link=$prefix/bin/$program
    if [ "$(readlink "$link" 2>/dev/null)" = "../lib/crossply/$program" ]; then rm -f "$link"; fi
done
rm -f "$prefix/share/applications/org.crossply.Crossply.desktop" \
    "$prefix/share/icons/hicolor/scalable/apps/org.crossply.Crossply.svg"
rm -rf "$target"
for folder in share/icons/hicolor/scalable/apps share/icons/hicolor/scalable share/icons/hicolor share/icons \
    share/applications share bin lib; do
    rmdir "$prefix/$folder" 2>/dev/null || true
done
echo "Crossply was removed. Your own data is still in ~/.local/share/crossply, ~/.local/state/crossply and ~/.cache/crossply."
