_seqlab() {
    local answer word="${COMP_LINE:0:COMP_POINT}"
    local line="$word"
    word="${word##* }"
    if [[ $COMP_WORDBREAKS == *=* && $word == *=* ]]; then word="${word%=*}="; else word=; fi
    COMPREPLY=()
    while IFS= read -r answer; do
        [[ $answer == *[=./] ]] || answer+=" "
        COMPREPLY+=("${answer#"$word"}")
    done < <(PYTHON -m seqlab.completion --answer "$line" 2>/dev/null)
}
complete -o nospace -o default -F _seqlab NAMES
_seqlab_other=$(complete -p python 2>/dev/null)
_seqlab_other=${_seqlab_other##*-F }
_seqlab_other=${_seqlab_other%% *}
_seqlab_python() {
    if [[ $COMP_LINE =~ " -m seqlab" ]]; then
        _seqlab
    elif [[ $_seqlab_other && $_seqlab_other != _seqlab_python ]]; then
        "$_seqlab_other" "$@"
    fi
}
complete -o nospace -o default -F _seqlab_python python python3
