function __seqlab
    PYTHON -m seqlab.completion --answer (commandline -cp | string collect) 2>/dev/null
end
for name in NAMES
    complete -c $name -a '(__seqlab)'
end
for name in python python3
    complete -c $name -n 'string match -qr -- "-m seqlab" (commandline -cp)' -a '(__seqlab)'
end
