// A service made of Segment's published runtime and Node's fetch, which keeps nothing: it takes batches over HTTP, runs
// onEvent for each event, and its attach action posts to Rupt, IN_FLIGHT at a time. Called by serve_whole.py:
//   node node_service.cjs PORT TARGET_URL SUBSCRIPTIONS.json IN_FLIGHT at-once|when-done
// `at-once` answers 200 as soon as a batch is read; `when-done` once all of it is delivered, so that little piles up.
const { Destination } = require('@segment/actions-core')
const fs = require('fs')
const http = require('http')

const [port, url, file, inFlight, when] = process.argv.slice(2)
const ANSWER = '{"success":true}'
const settings = { client_id: 'bench', subscriptions: JSON.parse(fs.readFileSync(file, 'utf8')) }
const headers = { Authorization: 'Basic bench:', 'Content-Type': 'application/json', 'User-Agent': 'node' }

let free = Number(inFlight)
const queue = []
const enter = () => (free > 0 ? void free-- : new Promise((resolve) => queue.push(resolve)))
const leave = () => { if (queue.length > 0) queue.shift()(); else free++ }

const attach = async (payload, event) => {
  const body = JSON.stringify({
    user: payload.account, email: payload.email, phone: payload.phone, metadata: payload.metadata,
    page: payload.include_page ? event.context.page.path : undefined,
    fingerprint: event.anonymousId, client: 'segment',
    callbacks: { on_challenge: false, limit_exceeded: false }, redirects: { new_account: true, logout: false }
  })
  await enter()
  try {
    const answer = await fetch(url, { method: 'POST', headers, body })
    await answer.json()
    if (answer.status !== 200) console.error(answer.status)
  } finally {
    leave()
  }
}

const field = (label, type, required = false) => ({ label, description: label, type, required })
const destination = new Destination({
  name: 'Rupt', mode: 'cloud', slug: 'rupt', authentication: { scheme: 'custom', fields: {} },
  actions: {
    attach: {
      title: 'Attach Device', description: 'Attach Device', defaultSubscription: 'type = "page"',
      fields: {
        account: field('Account', 'string', true), email: field('Email', 'string'), phone: field('Phone', 'string'),
        metadata: field('Metadata', 'object'), include_page: field('Include Page', 'boolean')
      },
      perform: (_request, { payload, rawData }) => attach(payload, rawData)
    }
  }
})

const taken = async (body) => {
  const { batch } = JSON.parse(body)
  await Promise.all(batch.map((event) => destination.onEvent(event, settings)))
}

const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', async () => {
    const work = taken(Buffer.concat(chunks).toString())
    if (when === 'when-done') await work
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': ANSWER.length })
    response.end(ANSWER)
  })
})
server.keepAliveTimeout = 600_000
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
