// What a worker group adds to a branch: a work queue per target, jobs, results, a ledger, and a place for job logs.
param group string
param targets array
param serviceBusName string
param cosmosName string
param storageAccountName string

var topology = loadJsonContent('topology.json')
var ledgerName = replace(topology.ledger.id, '{group}', group)

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBusName
}

resource workQueues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [for target in targets: {
  parent: namespace
  name: replace(replace(topology.queues.work.name, '{group}', group), '{target}', target)
  properties: topology.queues.work.properties
}]

resource jobsQueue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: replace(topology.queues.jobs.name, '{group}', group)
  properties: topology.queues.jobs.properties
}

resource resultsQueue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: replace(topology.queues.results.name, '{group}', group)
  properties: topology.queues.results.properties
}

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = {
  name: cosmosName
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15' existing = {
  parent: account
  name: topology.database
}

resource ledger 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15' = {
  parent: database
  name: ledgerName
  properties: {
    resource: union(topology.ledger, {
      id: ledgerName
    })
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' existing = {
  parent: storage
  name: 'default'
}

resource jobFiles 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: 'jobs-${group}'
}
