// The rights of one agent: `agentRights` of the contracts, and nothing else.
param principalId string
param group string
param targets array
param serviceBusName string
param cosmosName string
param storageAccountName string

var topology = loadJsonContent('topology.json')

// Built-in roles from https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var receiver = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0')
var sender = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39')
var blobReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
var blobContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBusName
}

resource workQueues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = [for target in targets: {
  parent: namespace
  name: replace(replace(topology.queues.work.name, '{group}', group), '{target}', target)
}]

resource jobsQueue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: namespace
  name: replace(topology.queues.jobs.name, '{group}', group)
}

resource resultsQueue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: namespace
  name: replace(topology.queues.results.name, '{group}', group)
}

resource receiveWork 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (target, index) in targets: {
  scope: workQueues[index]
  name: guid(workQueues[index].id, principalId, receiver)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: receiver
  }
}]

resource receiveJobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: jobsQueue
  name: guid(jobsQueue.id, principalId, receiver)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: receiver
  }
}

resource sendResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: resultsQueue
  name: guid(resultsQueue.id, principalId, sender)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: sender
  }
}

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = {
  name: cosmosName
}

// Data-plane roles are Cosmos DB's own: 00000000-0000-0000-0000-000000000002 is its built-in Data Contributor.
resource writeLedger 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = {
  parent: account
  name: guid(account.id, principalId, 'ledger', group)
  properties: {
    principalId: principalId
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/00000000-0000-0000-0000-000000000002'
    scope: '${account.id}/dbs/${topology.database}/colls/${replace(topology.ledger.id, '{group}', group)}'
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' existing = {
  parent: storage
  name: 'default'
}

resource claimChecks 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: blobs
  name: 'claim-checks'
}

resource jobFiles 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: blobs
  name: 'jobs-${group}'
}

resource readClaimChecks 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: claimChecks
  name: guid(claimChecks.id, principalId, blobReader)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobReader
  }
}

resource writeJobFiles 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: jobFiles
  name: guid(jobFiles.id, principalId, blobContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobContributor
  }
}
