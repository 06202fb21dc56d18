# Runs on the remote machine where there is no Python 3.6: POSIX sh (dash, busybox ash, ksh, bash) and awk. Prints the document
# of look_program.py with fewer facts. $1 is the nonce. Writes to no file. It is wrapped by launch_script.

escape='function escaped(s,  out, i, c) {
    if (!index(s, "\\") && !index(s, "\"") && s !~ /[\001-\037\177]/) return s
    out = ""
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        if (c == "\\") out = out "\\\\"
        else if (c == "\"") out = out "\\\""
        else if (c == "\t") out = out "\\t"
        else if (c ~ /[\001-\037\177]/) out = out " "
        else out = out c
    }
    return out
}'

# said NAME: what comes in is the answer
said() {
    awk -v name="$1" "$escape"'
        BEGIN { printf "\"%s\":\"", name }
        used < 60000 { line = escaped(substr($0, 1, 8192)); used += length(line) + 1; printf "%s%s", (NR > 1 ? "\\n" : ""), line }
        END { printf "\"," }'
}

# limited SECONDS PROGRAM...: ends it at its deadline
limited() {
    seconds=$1
    shift
    "$@" </dev/null 2>/dev/null &
    child=$!
    { # as in the scripts for runtimes: told to end at once it knows its sleep, and -9 reaches one that is not yet a program
        over=
        trap 'over=yes' TERM
        sleep "$seconds" &
        sleeper=$!
        trap 'kill -9 $sleeper; exit 0' TERM
        [ "$over" ] && kill -9 $sleeper && exit 0
        wait $sleeper
        kill -9 $child
    } >/dev/null 2>&1 </dev/null &
    watcher=$!
    wait $child 2>/dev/null
    ended=$?
    kill $watcher 2>/dev/null
    [ $ended -eq 137 ] && echo "no answer in $seconds seconds"
    return 0
}

# ask NAME SECONDS PROGRAM...: nothing when there is no such program
ask() {
    name=$1
    shift
    if command -v "$2" >/dev/null 2>&1; then
        limited "$@" | said "$name"
    fi
}

cgroup_files() {
    awk '
        FILENAME ~ /cgroup$/ { n = split($0, part, ":"); if (n >= 3) paths[part[3]]; next }
        / - cgroup/ {
            for (path in paths) {
                root = $4; if (root == "/") root = ""
                inner = index(path, root "/") == 1 ? substr(path, length(root) + 1) : "/"
                if (path ~ /\.\./) continue
                folder = $5 inner; sub(/\/+$/, "", folder)
                while (length(folder) >= length($5)) { print folder; if (!sub(/\/[^\/]*$/, "", folder)) break }
            }
        }' /proc/self/cgroup /proc/self/mountinfo 2>/dev/null | sort -u | while read -r folder; do
        for file in cgroup.controllers memory.max memory.current memory.limit_in_bytes memory.usage_in_bytes memory.stat \
            cpu.max cpu.cfs_quota_us cpu.cfs_period_us; do
            [ -r "$folder/$file" ] && printf '%s\n' "$folder/$file"
        done
    done
}

file_names() {
    for file in /etc/os-release /usr/lib/os-release /etc/machine-id /var/lib/dbus/machine-id /proc/device-tree/model \
        /proc/meminfo /proc/cpuinfo /proc/self/status /proc/self/cgroup /proc/self/mountinfo /sys/devices/system/cpu/online \
        /sys/class/net/*/speed /sys/class/drm/card*/device/vendor /sys/class/drm/card*/device/device \
        /sys/class/drm/card*/device/product_name /sys/class/drm/card*/device/uevent \
        /sys/class/drm/card*/device/mem_info_vram_total /sys/class/drm/card*/device/mem_info_vram_used \
        /sys/class/drm/card*/device/gpu_busy_percent /sys/class/drm/card*/device/tile*/physical_vram_size_bytes \
        /usr/share/misc/pci.ids /usr/share/hwdata/pci.ids; do
        case $file in /sys/class/drm/card*-*) continue ;; esac
        [ -r "$file" ] && printf '%s\n' "$file"
    done
    cgroup_files
}

# file names come in; only what is needed of the long files goes out. `cat` reads, for mawk ends when a driver answers a read
# with an error; a line that begins with the character 1 names the next file.
send_files() {
    while read -r file; do
        printf '\n\001%s\n' "$file"
        cat "$file" 2>/dev/null
    done | awk "$escape"'
        function wanted(line,  key) {
            if (path == "/proc/cpuinfo") {
                key = line; sub(/[ \t]*:.*/, "", key)
                if (line !~ /:/ || key in keys) return 0
                keys[key]; return 1
            }
            if (path == "/proc/self/status") return line ~ /^Cpus_allowed_list/
            if (path == "/proc/self/mountinfo") return line ~ / - cgroup/
            if (path ~ /memory\.stat$/) return line ~ /inactive_file /
            if (path ~ /pci\.ids$/) return named(line)
            return line != ""
        }
        function named(line) {
            if (line ~ /^[0-9a-f]/) { vendor = substr(line, 1, 4); return vendor in vendors }
            return line ~ /^\t[0-9a-f]/ && (vendor substr(line, 2, 4)) in cards
        }
        function learn(line,  folder) {
            folder = path; sub(/\/[^\/]*$/, "", folder)
            if (path ~ /\/device\/vendor$/ && line != "") { of[folder] = substr(line, 3, 4); vendors[of[folder]] }
            if (path ~ /\/device\/device$/ && line != "") cards[of[folder] substr(line, 3, 4)]
        }
        function finish() {
            if (text != "") printf "%s\"%s\":\"%s\"", (sent++ ? "," : ""), escaped(path), text
            text = ""; lines = 0
        }
        /^\001/ { finish(); path = substr($0, 2); next }
        sent < 600 && length(text) < 60000 {
            learn($0)
            if (wanted($0)) text = text (lines++ ? "\\n" : "") escaped($0)
        }
        END { finish() }'
}

physical_cores() {
    for name in core_cpus_list thread_siblings_list; do
        found=$(cat /sys/devices/system/cpu/cpu[0-9]*/topology/$name 2>/dev/null | sort -u | wc -l)
        if [ "$found" -gt 0 ]; then
            echo $((found))
            return
        fi
    done
}

listening() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { print $2 }' | sort -u | awk 'NR <= 4096'
}

compiler() {
    found=$(command -v "$1" 2>/dev/null)
    name=$1
    shift
    for folder in "$@"; do
        [ -z "$found" ] && [ -x "$folder/$name" ] && found=$folder/$name
    done
    [ -n "$found" ] && printf '%s\n' "$found" | said "$name"
}

disk_free() {
    folder=$1
    while [ ! -d "$folder" ]; do
        folder=${folder%/*}
        [ -z "$folder" ] && folder=/
    done
    limited 4 df -Pk "$folder" | awk 'NR == 2 { printf "%.0f\n", $4 * 1024 }'
}

system=$(uname -s)
user=$(id -un 2>/dev/null || id -u)
home=$HOME
case $system in
Darwin) data="${home%/}/Library/Application Support" ;;
*)
    data=$XDG_DATA_HOME
    case $data in /*) ;; *) data="${home%/}/.local/share" ;; esac
    ;;
esac
data=${data%/}/crossply

printf '\n%s\n{"format":1,"program":"sh","files":{' "$1"
[ "$system" = Darwin ] || file_names | send_files
printf '},"said":{'
printf '%s\n' "$system" | said system
uname -n | said hostname
uname -r | said release
uname -m | said architecture
printf '%s\n' "$user" | said user
printf '%s\n' "$home" | said home
printf '%s\n' "$data" | said data_folder
disk_free "$data" | said disk_free_bytes
ask nvidia_smi 8 nvidia-smi \
    --query-gpu=index,name,memory.total,memory.used,memory.free,utilization.gpu,temperature.gpu,uuid --format=csv,noheader,nounits
ask who 2 who
if [ "$system" = Darwin ]; then
    ask sw_vers 2 sw_vers
    ask sysctl 2 sysctl hw.memsize hw.physicalcpu hw.logicalcpu machdep.cpu.brand_string hw.optional
    ask vm_stat 2 vm_stat
    ask ioreg 2 ioreg -rd1 -c IOPlatformExpertDevice
    ask system_profiler 8 system_profiler SPDisplaysDataType -json
    ask netstat 2 netstat -an -p tcp
else
    physical_cores | said physical_cores
    listening | said tcp_listening
fi
if command -v ip >/dev/null 2>&1; then
    ask ip_addr 2 ip -4 -o addr show
else
    ask ifconfig 2 ifconfig
fi
compiler nvcc /usr/local/cuda*/bin /opt/cuda/bin /usr/lib/cuda/bin
compiler hipcc /opt/rocm*/bin
printf '"end":""}}\n%s\n' "$1"
