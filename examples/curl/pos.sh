#!/bin/sh
# 收银示例:只用 sh 和 curl。  A POS in sh and curl alone.
#   BASE=http://127.0.0.1:17216 TOKEN=… sh pos.sh
set -eu
BASE=${BASE:-http://127.0.0.1:17216}
: "${TOKEN:?TOKEN: api-token of the data folder, or a token of your own}"

work=$(mktemp -d)
listening=
end() {
	[ -z "$listening" ] || kill "$listening" 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT

# field NAME: 从标准输入的 JSON 里取第一个文本字段;有 jq 就用 jq  the first text field of that name; with jq use jq
field() { tr ',{}' '\n\n\n' | sed -n "s/^\"$1\":\"\([^\"]*\)\"\$/\1/p" | head -n 1; }

# call METHOD PATH [BODY]: 断线、忙、重启时原样再发;编号相同,不会记两次。
# After a broken connection, and while the agent is busy or restarting, the same
# is sent again: its id is the same, so nothing is done twice.
call() {
	try=1
	while :; do
		status=$(curl -sS --max-time 40 -o "$work/answer" -w '%{http_code}' -X "$1" "$BASE$2" \
			-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' ${3:+--data-binary "$3"} 2>"$work/error") || status=000
		case $status in
		2*) cat "$work/answer"; return ;;
		000 | 429 | 5*) [ "$try" -lt 8 ] || break ;;
		*) break ;;
		esac
		sleep 0."$try"
		try=$((try + 1))
	done
	echo "$1 $2: $status $(cat "$work/error" "$work/answer" 2>/dev/null)" >&2
	exit 1
}

# listen: 每行一个事件写进文件;断了就从最后的编号接着来。
# Writes one event a line into a file; after a break it goes on after the last number.
listen() {
	last=
	while :; do
		number= data=
		curl -sN ${last:+-H "Last-Event-ID: $last"} -H "Authorization: Bearer $TOKEN" "$BASE/v1/events" 2>/dev/null >"$work/stream" &
		reading=$!
		trap 'kill $reading 2>/dev/null; exit' TERM
		while IFS= read -r line; do
			case $line in
			'id: '*) number=${line#id: } ;;
			'data: '*) data=${line#data: } ;;
			'') # 空行:这个事件收全了  a blank line: the event is complete
				[ -z "$data" ] || printf '%s\n' "$data" >>"$work/events"
				last=${number:-$last} data=
				[ -z "$last" ] || : >"$work/listening"
				;;
			esac
		done <"$work/stream"
		wait "$reading" || true
		sleep 0.2
	done
}

# wait_event TYPE ID: 等某一单的某个事件  waits for an event of a sale
wait_event() {
	tries=0
	until grep -F "\"type\":\"$1\"" "$work/events" | grep -qF "\"sale_id\":\"$2\""; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || { echo "no $1 of $2" >&2; exit 1; }
		sleep 0.1
	done
	echo "event $1"
}

: >"$work/events"
mkfifo "$work/stream"
listen &
listening=$!
until [ -e "$work/listening" ]; do sleep 0.1; done

# 卖一单,最多等 5 秒拿开票码  A sale; waits up to 5 s for its QR code
id=SH-$(date +%Y%m%d%H%M%S)-$$
sale='{"sale_id":"'$id'","total":"12.50","items":[{"name":"拿铁咖啡","amount":"12.50","tax_code":"3070401000000000000","tax_rate":"0.06"}],"payments":[{"method":"微信","amount":"12.50"}]}'
answer=$(call POST '/v1/sales?wait=5s' "$sale")
echo "sold $id: $(echo "$answer" | field state) $(echo "$answer" | field url)"

# 没收到答复?原样再发:还是那一单,还是那个码  No answer? The same again is the same sale with the same code
again=$(call POST /v1/sales "$sale")
[ "$(echo "$again" | field no)" = "$(echo "$answer" | field no)" ] || { echo "another QR code" >&2; exit 1; }
echo "again: the same QR code"
wait_event sale.qr_ready "$id"

# 退货:不给金额就是全退  A refund; without an amount it is all of it
refund=$(call POST "/v1/sales/$id/refunds" '{"refund_id":"R-'$id'","reason":"sales_return"}')
echo "refund R-$id: $(echo "$refund" | field path)"
wait_event refund.done "$id"
echo "refund R-$id: $(call GET "/v1/refunds/R-$id" | field state)"
