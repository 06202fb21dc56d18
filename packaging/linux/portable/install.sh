#!/bin/sh
# Installs Crossply from this folder: for this user (default, below ~/.local) or for all (--prefix /usr/local, as root).
# An older version there is replaced. Crossply also runs from this folder as it is: ./crossply, ./crossplyctl.
# What is put below PREFIX/share (menu entry, icons, manual, completions ...) and which folders were made for it is noted in
# PREFIX/lib/crossply, and uninstall.sh takes exactly that away.
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

folders=
if [ -f "$target/installed-folders" ]; then folders=$(cat "$target/installed-folders"); fi
make_folder() { # below the prefix; every part of it that was not there is noted
    if [ -d "$prefix/$1" ]; then return 0; fi
    case $1 in */*) make_folder "${1%/*}" ;; esac
    mkdir "$prefix/$1"
    folders="$folders
$1"
}

mkdir -p "$prefix"
make_folder lib
make_folder bin
new=$target.new
rm -rf "$new"
cp -R "$here" "$new"
if [ -f "$target/installed-files" ]; then
    while IFS= read -r file; do rm -f "$prefix/share/$file"; done <"$target/installed-files"
fi
rm -rf "$target"
mv "$new" "$target"
for program in crossply crossplyctl; do ln -sfn "../lib/crossply/$program" "$prefix/bin/$program"; done

(cd "$target/share" && find . -type f) | sed 's|^\./||' | sort >"$target/installed-files"
while IFS= read -r file; do
    make_folder "share/${file%/*}"
    cp "$target/share/$file" "$prefix/share/$file"
done <"$target/installed-files"
quoted=$(printf '%s' "$prefix" | sed 's/[&|\\]/\\&/g')
sed "s|^Exec=crossply|Exec=\"$quoted/bin/crossply\"|" "$target/share/applications/org.crossply.Crossply.desktop" \
    >"$prefix/share/applications/org.crossply.Crossply.desktop"
printf '%s\n' "$folders" | sed '/^$/d' >"$target/installed-folders"

if command -v update-mime-database >/dev/null; then update-mime-database "$prefix/share/mime" || true; fi
if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$prefix/share/applications" || true; fi

echo "Crossply is in $target."
echo "Start: $prefix/bin/crossply    Remove: $target/uninstall.sh"
