# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Completion of gentcp-cli for bash: gentcp-cli itself knows the words.
_gentcp_cli() {
	local line=${COMP_LINE:0:COMP_POINT} candidate word
	local -a words

	read -ra words <<<"$line"
	[[ $line != *[[:blank:]] ]] || words+=("")
	word=${words[-1]}
	COMPREPLY=()
	while IFS=$'\t' read -r candidate _; do
		COMPREPLY+=("$candidate")
	done < <("${1/#\~/$HOME}" complete -- "${words[@]:1}" 2>/dev/null)
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace
	fi
	# what stands before the = is a word of its own to bash
	if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
		COMPREPLY=("${COMPREPLY[@]#*=}")
	fi
}
complete -o default -F _gentcp_cli gentcp-cli
