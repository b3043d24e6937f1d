# SPDX-License-Identifier: ISC
# Completion of gentcp-cli for fish: gentcp-cli itself knows the words.
function __gentcp_cli_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l found ($words[1] complete -- $words[2..-1] "$word" 2>/dev/null)
    if test (count $found) -eq 0
        __fish_complete_path "$word"
    else
        printf '%s\n' $found
    end
end
complete -c gentcp-cli -f -a '(__gentcp_cli_complete)'
