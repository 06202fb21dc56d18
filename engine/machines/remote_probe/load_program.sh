# Runs on the remote machine where there is no Python 3.6: as load_program.py, with CPU, RAM and network only. Everything is read
# by the shell itself; `sleep` is the only program that is started. A reader of standard input ends it when that ends, and tells
# it of every answer: without one for $3 seconds nobody is there any more.

mark=$1
every=$2
most_unanswered=$(($3 / $2))
unanswered=0

exec 3<&0
main=$$
trap 'unanswered=0' USR1
{
    trap - USR1
    while IFS= read -r _ <&3; do kill -USR1 "$main"; done
    kill "$main"
} >/dev/null 2>&1 &
reader=$!
exec 3<&-
trap 'kill $reader $sleeper 2>/dev/null; exit 0' TERM HUP INT PIPE

while :; do
    clock=null cpu=null ram=null net=null
    read -r clock _ 2>/dev/null </proc/uptime
    if read -r _ user nice system idle iowait irq softirq steal _ 2>/dev/null </proc/stat; then
        cpu="[$((user + nice + system + irq + softirq + ${steal:-0})),$((idle + iowait))]"
    fi
    if [ -r /proc/meminfo ]; then
        while read -r name value _; do
            case $name in MemAvailable:) ram=$((value * 1024)) && break ;; esac
        done </proc/meminfo
    fi
    if [ -r /proc/net/dev ]; then
        received=0 sent=0 real_received=0 real_sent=0
        while read -r line; do
            case $line in
            lo:* | *'|'*) ;;
            *:*)
                name=${line%%:*}
                set -- ${line#*:}
                received=$((received + $1)) sent=$((sent + $9))
                if [ -e "/sys/class/net/$name/device" ]; then
                    real_received=$((real_received + $1)) real_sent=$((real_sent + $9))
                fi
                ;;
            esac
        done </proc/net/dev
        [ "$real_received" -gt 0 ] && received=$real_received sent=$real_sent
        net="[$received,$sent]"
    fi
    printf '%s{"t":%s,"cpu":%s,"ram":%s,"net":%s,"cpu_mc":null,"nv":[],"drm":[]}\n' "$mark" "$clock" "$cpu" "$ram" "$net" \
        2>/dev/null || break
    unanswered=$((unanswered + 1))
    [ "$unanswered" -gt "$most_unanswered" ] && break
    sleep "$every" &
    sleeper=$!
    # An answer ends `wait` early, and the status of a sleep that is over is above 128 only if a signal ended it.
    while wait $sleeper; [ $? -gt 128 ] && kill -0 $sleeper 2>/dev/null; do :; done
done
kill "$reader" 2>/dev/null
