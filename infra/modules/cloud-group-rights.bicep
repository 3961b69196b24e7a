// Rights of the function app in one worker group: it sends work and jobs, receives results, and drains dead-letter queues.
// Roles cannot be assigned on a dead-letter queue: draining it takes the right to receive from its queue.
param principalId string
param group string
param targets array
param serviceBusName string
param storageAccountName string

var topology = loadJsonContent('topology.json')

// Built-in roles from https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var receiver = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0')
var sender = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39')
var blobReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')

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

resource sendWork 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (target, index) in targets: {
  scope: workQueues[index]
  name: guid(workQueues[index].id, principalId, sender)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: sender
  }
}]

resource drainWork 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (target, index) in targets: {
  scope: workQueues[index]
  name: guid(workQueues[index].id, principalId, receiver)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: receiver
  }
}]

resource sendJobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: jobsQueue
  name: guid(jobsQueue.id, principalId, sender)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: sender
  }
}

resource drainJobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: jobsQueue
  name: guid(jobsQueue.id, principalId, receiver)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: receiver
  }
}

resource receiveResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: resultsQueue
  name: guid(resultsQueue.id, principalId, receiver)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: receiver
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' existing = {
  parent: storage
  name: 'default'
}

resource jobFiles 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: blobs
  name: 'jobs-${group}'
}

resource readJobFiles 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: jobFiles
  name: guid(jobFiles.id, principalId, blobReader)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobReader
  }
}
