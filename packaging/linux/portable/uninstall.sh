#!/bin/sh
# Removes what install.sh put there. Your own data (models, builds, settings) stays: see README.md, "Installing".
set -eu

remove() { # a function, so that all of it was read when this file goes
    for program in crossply crossplyctl; do
        link=$prefix/bin/$program
        if [ "$(readlink "$link" 2>/dev/null)" = "../lib/crossply/$program" ]; then rm -f "$link"; fi
    done
    while IFS= read -r file; do rm -f "$prefix/share/$file"; done <"$target/installed-files"
    folders=$(sort -r "$target/installed-folders")
    rm -rf "$target"
    # The databases of MIME types and menu entries: gone with the folder that was made for them, else made anew.
    if has_folder share/mime && [ -z "$(find "$prefix/share/mime/packages" -type f 2>/dev/null)" ]; then
        rm -rf "$prefix/share/mime"
    elif command -v update-mime-database >/dev/null; then
        update-mime-database "$prefix/share/mime" || true
    fi
    if has_folder share/applications && [ -z "$(find "$prefix/share/applications" -type f ! -name mimeinfo.cache)" ]; then
        rm -f "$prefix/share/applications/mimeinfo.cache"
    elif command -v update-desktop-database >/dev/null; then
        update-desktop-database -q "$prefix/share/applications" || true
    fi
    printf '%s\n' "$folders" | while IFS= read -r folder; do
        if [ -n "$folder" ]; then rmdir "$prefix/$folder" 2>/dev/null || true; fi
    done
    echo "Crossply was removed. Your own data is still in ~/.local/share/crossply, ~/.local/state/crossply and ~/.cache/crossply."
}

has_folder() { printf '%s\n' "$folders" | grep -qx "$1"; }

target=$(cd "$(dirname "$0")" && pwd -P)
case $target in
    */lib/crossply) prefix=${target%/lib/crossply} ;;
    *) echo "uninstall.sh: $target is not an installed Crossply; delete this folder by hand" >&2; exit 1 ;;
esac
if [ ! -f "$target/installed-files" ] || [ ! -f "$target/installed-folders" ]; then
    echo "uninstall.sh: $target lacks its notes of what was installed; run install.sh of the same version again, then this" >&2
    exit 1
fi
remove
exit 0
