// Sends events with @segment/analytics-node, and prints what the SDK tells its callbacks, as one JSON line.
// node node_client.cjs URL EVENTS
const { Analytics } = require('@segment/analytics-node')

const [url, events] = process.argv.slice(2)
const analytics = new Analytics({ writeKey: 'WRITE_KEY', host: url, flushAt: 20, flushInterval: 100 })
const errors = []
analytics.on('error', (error) => errors.push(error.code))

function told(send) {
  return new Promise((resolve) => send((error, context) => resolve(error ? String(error) : context.event.messageId)))
}

async function main() {
  const user = { userId: 'user-77' }
  const waiting = []
  for (let number = 0; number < Number(events); number += 6) {
    waiting.push(
      told((back) => analytics.identify({ ...user, traits: { email: 'grace@example.com' } }, back)),
      told((back) => analytics.page({ ...user, name: 'Pricing ☕', properties: { path: '/pricing' } }, back)),
      told((back) => analytics.track({ anonymousId: 'anon-77', event: 'Signed Up', properties: { number } }, back)),
      told((back) => analytics.screen({ ...user, name: 'Main' }, back)),
      told((back) => analytics.group({ ...user, groupId: 'team-1', traits: { name: 'Team' } }, back)),
      told((back) => analytics.alias({ ...user, previousId: 'anon-77' }, back))
    )
  }
  const ids = await Promise.all(waiting)
  await analytics.closeAndFlush()
  console.log(JSON.stringify({ ids, errors }))
}

main()
