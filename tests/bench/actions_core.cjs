// Segment's published runtime over a file of events: JSON.parse each line, then onEvent with N subscriptions.
// Called by replay_bench.py: node actions_core.cjs EVENTS SUBSCRIPTIONS.json. Prints how often an action performed.
const { Destination } = require('@segment/actions-core')
const readline = require('readline')
const fs = require('fs')

const field = (label, type, required = false) => ({ label, description: label, type, required })
let performed = 0
const destination = new Destination({
  name: 'Rupt', mode: 'cloud', slug: 'rupt', authentication: { scheme: 'custom', fields: {} },
  actions: {
    attach: {
      title: 'Attach Device', description: 'Attach Device', defaultSubscription: 'type = "page"',
      fields: {
        account: field('Account', 'string', true), email: field('Email', 'string'), phone: field('Phone', 'string'),
        metadata: field('Metadata', 'object'), include_page: field('Include Page', 'boolean')
      },
      perform: () => { performed++ }
    }
  }
})

const main = async () => {
  const settings = { client_id: 'bench', subscriptions: JSON.parse(fs.readFileSync(process.argv[3], 'utf8')) }
  for await (const line of readline.createInterface({ input: fs.createReadStream(process.argv[2]) })) {
    await destination.onEvent(JSON.parse(line), settings)
  }
  console.log(performed)
}
main()
