# Loops, arithmetic, strings, functions and substitutions within the shell itself.
rounds=$1 total=0 round=0
collatz() {
    n=$1 steps=0
    while [ $n -ne 1 ]; do
        if [ $((n % 2)) -eq 0 ]; then n=$((n / 2)); else n=$((3 * n + 1)); fi
        steps=$((steps + 1))
    done
}
while [ $round -lt $rounds ]; do
    round=$((round + 1))
    collatz $((round + 20))
    total=$((total + steps))
    list=
    for word in alpha beta gamma delta epsilon; do
        case $word in
        *a) list="$list ${word%a}" ;;
        e*) list="$list ${word#e}" ;;
        *) list="$word" ;;
        esac
        set -- $list
        total=$((total + $# + ${#list}))
    done
done
echo $total
