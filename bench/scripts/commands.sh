# Short commands, pipelines and command substitutions: the shell of a boot or a build.
rounds=$1 total=0 round=0
while [ $round -lt $rounds ]; do
    round=$((round + 1))
    name=$(basename /some/where/file-$round.txt .txt)
    total=$((total + $(expr length "$name") + $(echo "$name $round" | tr a-z A-Z | cut -c 1-3,5- | wc -c)))
    printf '%s\n' $round $((round * 7 % 10)) $((round * 3 % 10)) | sort -n | head -n 2 >list
    total=$((total + $(cat list | wc -l)))
done
rm -f list
echo $total
