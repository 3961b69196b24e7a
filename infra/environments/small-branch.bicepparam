using '../main.bicep'

// A branch with one group of agents on Arc-enabled machines. `az connectedmachine show` prints their principal ids.
param branch = 'ghent'
param authAudience = 'api://postern'
param workerGroups = [
  {
    name: 'main'
    targets: [
      'hr-db'
    ]
  }
]
param agents = []
