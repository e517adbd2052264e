// Node's built-in fetch delivering the lines of a file, IN_FLIGHT at a time, round and round until it is ended.
// Called by serve_deliver.py: node node_fetch.cjs URL BODIES.ndjson IN_FLIGHT
const fs = require('fs')

const [url, file, inFlight] = process.argv.slice(2)
const bodies = fs.readFileSync(file, 'utf8').trim().split('\n')
const headers = { Authorization: 'Basic bench:', 'Content-Type': 'application/json', 'User-Agent': 'node' }
let next = 0

const lane = async () => {
  for (;;) {
    const answer = await fetch(url, { method: 'POST', headers, body: bodies[next++ % bodies.length] })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`status ${answer.status}`)
  }
}
for (let number = 0; number < Number(inFlight); number++) lane()
