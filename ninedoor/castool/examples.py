"""What `--help` and the man page show below the options."""

from ninedoor.cli.examples import EXIT_STATUS

ROOT = f"""An update is a payload cut into chunks of one size, named by their SHA-256, and
a manifest that lists and signs them. A hive shows it as /updates/EPOCH.

first steps:
  cas-tool keygen update.key
  cas-tool pack --epoch 1 --input app.bin --signing-key update.key
  cas-tool upload --bundle out/cas/1 --url unix:/run/hive.sock
  cas-tool verify --epoch 1 --url unix:/run/hive.sock --public-key update.key.pub
  cas-tool download --epoch 1 --output app.bin --url unix:/run/hive.sock

exit status:
{EXIT_STATUS}"""

PACK = """The bundle is a directory with manifest.cbor and chunks/SHA256. The last chunk
holds what is left of the payload. Hives of the original refuse a shorter chunk:
for them, --pad puts zeros and a 16-byte trailer behind the payload. Both are
hashed and signed; the trailer tells the exact length, and download takes them
off again.

examples:
  cas-tool pack --epoch 100 --input app.bin --signing-key update.key
  cas-tool pack --epoch 101 --input more.bin --delta-base out/cas/100 --signing-key update.key
  cas-tool pack --epoch 7 --input demo.txt --pad --chunk-bytes 128 --out-dir demo
  cas-tool pack --epoch 9 --input app.bin --manifest hive.toml --signing-key update.key
  vault read seed | cas-tool pack --epoch 8 --input app.bin --signing-key -
  cas-tool pack --model --input adapter.bin --schema schema.json --signing-key update.key"""

UPLOAD = """Only what the hive does not have is sent, so an upload that was interrupted is
gone on with by the same command. The manifest goes last: until it is accepted
the epoch is not ready. Uploading what is there already does no harm.

examples:
  cas-tool upload --bundle out/cas/100
  cas-tool upload --bundle out/cas/100 --host 10.0.0.7 --auth-token @token --ticket @queen.ticket
  cas-tool upload --bundle out/cas/100 --url unix:/run/hive.sock
  cas-tool upload --bundle out/cas/100 --mount /mnt/hive"""

DOWNLOAD = """Every chunk is checked as it comes. What came before an interruption stays in
FILE.HASH.part, and the same command goes on behind it.

examples:
  cas-tool download --epoch 100 --output app.bin --url unix:/run/hive.sock
  cas-tool download --epoch 100 --output - --mount /mnt/hive | tar x
  cas-tool download --model SHA256 --output adapter.bin --url unix:/run/hive.sock"""

VERIFY = """Of an epoch every byte is read. With --public-key an update that is not signed,
or by another key, fails.

examples:
  cas-tool verify out/cas/100
  cas-tool verify out/cas/101 --delta-base out/cas/100 --public-key update.key.pub
  cas-tool verify --epoch 100 --url unix:/run/hive.sock
  cas-tool verify /mnt/hive/updates/100"""

INSPECT = """examples:
  cas-tool inspect out/cas/100
  cas-tool inspect manifest.cbor --chunks
  cas-tool inspect --epoch 100 --url unix:/run/hive.sock --json"""

LIST = """States are those of /updates/EPOCH/status; a model is weights_missing until all of
its weights are there. CHUNKS are those that are there, of those that it has.

examples:
  cas-tool list --url unix:/run/hive.sock
  cas-tool list --mount /mnt/hive --json"""

DROP = """What the epoch alone held is removed when room is short, else when it has been of
no use for unused_s of the hive's manifest. Its number is used up: only the same
update can have it again. Bases of deltas are dropped after the deltas.

examples:
  cas-tool drop --epoch 38 --url unix:/run/hive.sock"""

KEYGEN = """FILE gets 32 random bytes, the seed of an Ed25519 key, as 64 hexadecimal digits;
only its owner can read it. It signs updates and stays where they are packed.
Hives are given FILE.pub.

examples:
  cas-tool keygen update.key
  cas-tool keygen --public-only update.key"""

COMPLETION = """examples:
  cas-tool completion bash > /etc/bash_completion.d/cas-tool
  cas-tool completion zsh > /usr/local/share/zsh/site-functions/_cas-tool"""
