_seqlab() {
    local -a found
    found=("${(@f)$(PYTHON -m seqlab.completion --answer "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
    found=(${found:#})
    if (( $#found )); then
        compadd -Q -S '' -- ${(M)found:#*[=./]}
        compadd -Q -- ${found:#*[=./]}
    else
        _files
    fi
}
compdef _seqlab NAMES
_seqlab_python() {
    if [[ $words[2] == -m && $words[3] == seqlab* ]]; then
        _seqlab
    elif (( $+functions[_python] )); then
        _python
    else
        _files
    fi
}
compdef _seqlab_python python python3
