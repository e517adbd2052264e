// Segment's published runtime over a file of events: JSON.parse each line, then onEvent with N subscriptions.
// Called by replay_bench.py: node actions_core.cjs EVENTS SUBSCRIPTIONS.json [rows]. With `rows` it prints what `replay
// --dry-run --json` prints of an event, a line of JSON for each mapping that takes it or one that none does, but for the
// request; without, it throws the payloads away.
const { Destination } = require('@segment/actions-core')
const readline = require('readline')
const fs = require('fs')

const field = (label, type, required = false) => ({ label, description: label, type, required })
const rows = process.argv[4] === 'rows'
let performed = 0
let out = ''
const destination = new Destination({
  name: 'Rupt', mode: 'cloud', slug: 'rupt', authentication: { scheme: 'custom', fields: {} },
  actions: {
    attach: {
      title: 'Attach Device', description: 'Attach Device', defaultSubscription: 'type = "page"',
      fields: {
        account: field('Account', 'string', true), email: field('Email', 'string'), phone: field('Phone', 'string'),
        metadata: field('Metadata', 'object'), include_page: field('Include Page', 'boolean')
      },
      perform: (_request, { payload, rawData }) => {
        performed++
        if (rows) out += JSON.stringify({ messageId: rawData.messageId, mapping: 'Attach', outcome: 'planned', payload }) + '\n'
      }
    }
  }
})

const main = async () => {
  const settings = { client_id: 'bench', subscriptions: JSON.parse(fs.readFileSync(process.argv[3], 'utf8')) }
  for await (const line of readline.createInterface({ input: fs.createReadStream(process.argv[2]) })) {
    const event = JSON.parse(line)
    const before = performed
    await destination.onEvent(event, settings)
    if (!rows) continue
    if (performed === before) {
      out += JSON.stringify({ messageId: event.messageId, mapping: null, outcome: 'filtered', reason: 'NO_MATCHING_MAPPING' }) + '\n'
    }
    if (out.length > 32768) { fs.writeSync(1, out); out = '' }
  }
  fs.writeSync(1, rows ? out : `${performed}\n`)
}
main()
