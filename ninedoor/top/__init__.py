"""`ninedoor top`: a live view of a hive, over any way there is to it.

`sample` asks for what is shown, `rates` says what changed between two samples, `plain` prints one sample, and
`screen` draws them with textual (the extra `top`), which is imported nowhere else.
"""
