#!/usr/bin/env bash
# Order, upload, list, viewer link, events: `bash quick_start.sh ADDRESS TOKEN FILE [SEQ]`. Needs curl and jq.
set -euo pipefail
bridge=$1 token=$2 file=$3 seq=${4:-0}

# A refusal is a problem (RFC 9457): `code` for programs, `detail` for people, `type` says what to do.
call() {
  local answer
  answer=$(curl --silent --show-error --fail-with-body -X "$1" "$bridge/api/v1/$2" -H "Authorization: Bearer $token" "${@:3}") ||
    { echo "$answer" >&2; exit 1; }
  echo "$answer"
}
json='Content-Type: application/json'

now=$(date --utc +%FT%TZ) # an older message that comes late never replaces a newer one
call PUT patients/MRN-2003 -H "$json" -d '{"family_name": "Ferreira", "given_name": "João", "birth_date": "1975-06-30",
  "sex": "male", "as_of": "'"$now"'"}' >/dev/null
call PUT orders/ACC-2026-0103 -H "$json" -d '{"mrn": "MRN-2003", "modality": "MR", "description": "MR brain",
  "as_of": "'"$now"'"}' >/dev/null
call POST dicom/upload -H 'Content-Type: application/dicom' -H 'X-Order-Id: ACC-2026-0103' --data-binary "@$file" >/dev/null
study=$(call GET dicom/studies/order/ACC-2026-0103 | jq -r '.items[0].study_instance_uid')
link=$(call GET "dicom/viewer-url/$study" | jq -r .url)
case $link in http*) echo "$link" ;; *) echo "$bridge$link" ;; esac
while page=$(call GET "events?after=$seq&limit=1000") && [ "$(jq '.items | length' <<<"$page")" -gt 0 ]; do
  jq -r '.items[] | "\(.seq) \(.type) \(.data.study_instance_uid // "")"' <<<"$page"
  seq=$(jq .next <<<"$page") # remember it: the next run goes on from here
done
